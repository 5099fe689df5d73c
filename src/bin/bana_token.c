#include "bana/tool.h"

int main(int argc, char **argv)
{
	return bana_token_tool(argc, argv);
}
