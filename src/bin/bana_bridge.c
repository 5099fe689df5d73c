#include "bana/run.h"

int main(int argc, char **argv)
{
	return bana_bridge_main(argc, argv);
}
