/*
 * bana-token: development keys, key sets and tokens, and the verdict of our verifier for vector
 * suites. Not for production keys: those are the identity service's.
 */
#ifndef BANA_TOOL_H
#define BANA_TOOL_H

/* The whole program; the exit status: 0 done, 1 failed, 2 wrong use. */
int bana_token_tool(int argc, char **argv);

#endif
