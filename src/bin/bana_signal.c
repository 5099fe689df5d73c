#include "bana/run.h"
#include "signal/service.h"

int main(int argc, char **argv)
{
	return bana_main(&signal_service, argc, argv);
}
