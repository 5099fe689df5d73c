/*
 * Names of hosts in any script (IDNA2008, RFC 5891), as DNS has them.
 */
#ifndef BANA_IDN_H
#define BANA_IDN_H

#include "bana/text.h"

enum { BANA_IDN_BYTES = 254 }; /* RFC 1035 section 2.3.4: 253 characters, and a NUL */

/*
 * The name in A-labels and lower case: "Bücher.example" as "xn--bcher-kva.example". Mapped before
 * as browsers do it (UTS #46, non-transitional): case, width, NFC. `name` is UTF-8; ASCII without
 * "xn--" only becomes lower case, whatever it is.
 * INVALID: code points or an order of them that IDNA2008 does not take, an A-label that stands for
 * nothing or for what has another A-label, or a result that is too long.
 */
BANA_RES bana_idn_ascii(bana_str name, char ascii[BANA_IDN_BYTES]);

#endif
