#include "userload_shim.h"

int userload_shim_version(void)
{
    return USERLOAD_SHIM_VERSION;
}
