#include "options.h"
#include "report.h"
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dirty.h"
#include "fail.h"
#include "memory.h"

static struct result run(const struct options *options)
{
    switch (options->scenario) {
    case SCENARIO_STREAM:
        return scenario_stream(options);
    case SCENARIO_DIRTY:
        return scenario_dirty(options);
    case SCENARIO_FAULT_SIGNAL:
        return scenario_fault_signal(options);
    default:
        return scenario_fault(options);
    }
}

int main(int argc, char **argv)
{
    struct options options = options_parse(argc, argv);
    if (sysconf(_SC_PAGESIZE) != (long)PAGE_BYTES)
        fail("this machine's page size is %ld bytes, not %zu", sysconf(_SC_PAGESIZE), PAGE_BYTES);
    struct result result = run(&options);
    if (options.json)
        report_json(&options, &result);
    else
        report_table(&options, &result);
    if (fflush(stdout) != 0)
        fail_call("write(stdout)");
    return EXIT_SUCCESS;
}
