#include "bana/run.h"
#include "outreach/outreach.h"

int main(int argc, char **argv)
{
	return bana_main(&outreach_service, argc, argv);
}
