#include "bana/result.h"

#include <assert.h>

static const struct bana_fault_row rows[] = {
#define X(name, status, slug, title) [BANA_##name] = {status, slug, title},
	BANA_FAULTS(X)
#undef X
};

const struct bana_fault_row *bana_fault_row(enum bana_fault fault)
{
	assert(fault < BANA_FAULTS_COUNT);
	return &rows[fault];
}
