#include "options.h"
#include "report.h"
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fail.h"
#include "memory.h"

int main(int argc, char **argv)
{
    struct options options = options_parse(argc, argv);
    if (sysconf(_SC_PAGESIZE) != (long)PAGE_BYTES)
        fail("this machine's page size is %ld bytes, not %zu", sysconf(_SC_PAGESIZE), PAGE_BYTES);
    struct result result = options.scenario == SCENARIO_STREAM ? scenario_stream(&options)
                                                               : scenario_fault(&options);
    if (options.json)
        report_json(&options, &result);
    else
        report_table(&options, &result);
    if (fflush(stdout) != 0)
        fail_call("write(stdout)");
    return EXIT_SUCCESS;
}
