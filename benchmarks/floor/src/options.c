#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { EXIT_USAGE = 2 };

#define PAGES_PER_MIB (((size_t)1 << 20) / PAGE_BYTES)
#define MOST_TOUCHERS 256
#define MOST_PAGES ((uint64_t)1 << 28)
#define MOST_CHUNK_BYTES ((uint64_t)16 << 20)
#define MOST_LOW_WATER_BYTES ((uint64_t)1 << 20)

static const char help[] =
    "Usage: floor SCENARIO [OPTION...]\n"
    "Measures what plain C reaches in post-copy paging: the floor under other implementations.\n"
    "\n"
    "Scenarios:\n"
    "  fault-tcp    page faults served by another process over loopback TCP\n"
    "  fault-local  page faults served from a buffer, without a network\n"
    "  fault-signal as fault-tcp, but each fault is a signal, served by the touching thread\n"
    "  stream       all memory in order over a second connection\n"
    "  dirty        random writes in rounds, each ended by a scan for the written pages\n"
    "\n"
    "Options of fault-tcp, fault-local and fault-signal:\n"
    "  --touches M          measured touches, each of another missing page (default 20000)\n"
    "  --warmup W           touches before them that are not measured (default 2000)\n"
    "  --touchers N         threads that share the touches (default 1)\n"
    "Options of stream:\n"
    "  --toucher            touch pages at random meanwhile, until all are present\n"
    "  --touch-all          touch every page once meanwhile, at random, and time how long that takes\n"
    "  --chunk BYTES        most page data in one frame (default 65536)\n"
    "  --low-water BYTES    wake the stream intake for so many at least (default 262144)\n"
    "Options of dirty:\n"
    "  --touches M          pages written in a round, at random (default 1 % of all)\n"
    "  --rounds R           rounds (default 50)\n"
    "Options of all:\n"
    "  --pages N, --mib N   memory size (default 128 MiB; stream 512, dirty 1024)\n"
    "  --pin WHERE          none (default)\n"
    "                       same   everything on CPU 0\n"
    "                       split  toucher and stream intake on CPU 0,\n"
    "                              fault handler and source process on CPU 1\n"
    "  --loop KIND          fault handler: poll (default; like an event loop) or blocking\n"
    "  --seed S             of the memory contents and the order of touches (default 1)\n"
    "  --cold               do not touch and free the memory beforehand\n"
    "  --verify             compare every byte afterwards\n"
    "  --json               print one JSON object\n"
    "  --help               print this\n";

static const char *const scenario_names[] = {"fault-tcp", "fault-local", "fault-signal", "stream", "dirty", NULL};
static const char *const pin_names[] = {"none", "same", "split", NULL};
static const char *const loop_names[] = {"poll", "blocking", NULL};

_Noreturn __attribute__((format(printf, 1, 2))) static void usage_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("floor: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\nTry 'floor --help'.\n", stderr);
    exit(EXIT_USAGE);
}

_Noreturn static void print_help(void)
{
    fputs(help, stdout);
    exit(EXIT_SUCCESS);
}

static int choice(const char *what, const char *text, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    usage_error("unknown %s '%s'", what, text);
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || strchr(text, '-') != NULL)
        usage_error("--%s: '%s' is not a number", option, text);
    if (value < least || value > most)
        usage_error("--%s: %llu is not between %llu and %llu", option, value,
                    (unsigned long long)least, (unsigned long long)most);
    return value;
}

/* A size in bytes that is a multiple of the page size. */
static size_t pages_in(const char *option, const char *text, uint64_t most_bytes)
{
    uint64_t bytes = number(option, text, PAGE_BYTES, most_bytes);
    if (bytes % PAGE_BYTES != 0)
        usage_error("--%s: %s is not a multiple of the page size", option, text);
    return bytes / PAGE_BYTES;
}

enum option_id {
    OPTION_PAGES = 1, OPTION_MIB, OPTION_PIN, OPTION_LOOP, OPTION_SEED, OPTION_COLD, OPTION_VERIFY,
    OPTION_JSON, OPTION_HELP, OPTION_TOUCHES, OPTION_WARMUP, OPTION_TOUCHER, OPTION_CHUNK,
    OPTION_LOW_WATER, OPTION_ROUNDS, OPTION_TOUCH_ALL, OPTION_TOUCHERS,
};

static const struct option table[] = {
    {"pages", required_argument, NULL, OPTION_PAGES},
    {"mib", required_argument, NULL, OPTION_MIB},
    {"pin", required_argument, NULL, OPTION_PIN},
    {"loop", required_argument, NULL, OPTION_LOOP},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"cold", no_argument, NULL, OPTION_COLD},
    {"verify", no_argument, NULL, OPTION_VERIFY},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {"touches", required_argument, NULL, OPTION_TOUCHES},
    {"warmup", required_argument, NULL, OPTION_WARMUP},
    {"toucher", no_argument, NULL, OPTION_TOUCHER},
    {"touch-all", no_argument, NULL, OPTION_TOUCH_ALL},
    {"touchers", required_argument, NULL, OPTION_TOUCHERS},
    {"chunk", required_argument, NULL, OPTION_CHUNK},
    {"low-water", required_argument, NULL, OPTION_LOW_WATER},
    {"rounds", required_argument, NULL, OPTION_ROUNDS},
    {NULL, 0, NULL, 0},
};

static bool applies(enum option_id option, enum scenario scenario)
{
    bool is_fault = scenario == SCENARIO_FAULT_TCP || scenario == SCENARIO_FAULT_LOCAL ||
                    scenario == SCENARIO_FAULT_SIGNAL;
    if (option == OPTION_TOUCHES)
        return is_fault || scenario == SCENARIO_DIRTY;
    if (option == OPTION_WARMUP || option == OPTION_TOUCHERS)
        return is_fault;
    if (option == OPTION_ROUNDS)
        return scenario == SCENARIO_DIRTY;
    if (option == OPTION_LOOP && scenario == SCENARIO_FAULT_SIGNAL)
        return false; /* no thread but the toucher */
    if (option == OPTION_VERIFY || option == OPTION_LOOP || option == OPTION_COLD)
        return scenario != SCENARIO_DIRTY; /* it always checks; it has no handler and no missing memory */
    if (option == OPTION_TOUCHER || option == OPTION_TOUCH_ALL || option == OPTION_CHUNK ||
        option == OPTION_LOW_WATER)
        return scenario == SCENARIO_STREAM;
    return true;
}

static void set(struct options *options, const struct option *option, const char *text)
{
    const char *name = option->name;
    switch ((enum option_id)option->val) {
    case OPTION_PAGES:
        options->pages = number(name, text, 1, MOST_PAGES);
        break;
    case OPTION_MIB:
        options->pages = number(name, text, 1, MOST_PAGES / PAGES_PER_MIB) * PAGES_PER_MIB;
        break;
    case OPTION_PIN:
        options->pin = (enum pin)choice("placement", text, pin_names);
        break;
    case OPTION_LOOP:
        options->loop = (enum loop)choice("loop", text, loop_names);
        break;
    case OPTION_SEED:
        options->seed = number(name, text, 0, UINT64_MAX);
        break;
    case OPTION_TOUCHES:
        options->touches = number(name, text, 1, MOST_PAGES);
        break;
    case OPTION_WARMUP:
        options->warmup = number(name, text, 0, MOST_PAGES);
        break;
    case OPTION_ROUNDS:
        options->rounds = number(name, text, 1, 1000000);
        break;
    case OPTION_CHUNK:
        options->chunk_pages = pages_in(name, text, MOST_CHUNK_BYTES);
        break;
    case OPTION_LOW_WATER:
        options->low_water_bytes = number(name, text, 1, MOST_LOW_WATER_BYTES);
        break;
    case OPTION_TOUCHER:
        options->toucher = true;
        break;
    case OPTION_TOUCH_ALL:
        options->touch_all = true;
        break;
    case OPTION_TOUCHERS:
        options->touchers = number(name, text, 1, MOST_TOUCHERS);
        break;
    case OPTION_COLD:
        options->cold = true;
        break;
    case OPTION_VERIFY:
        options->verify = true;
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_HELP:
        print_help();
    }
}

static size_t default_mib(enum scenario scenario)
{
    switch (scenario) {
    case SCENARIO_STREAM:
        return 512;
    case SCENARIO_DIRTY:
        return 1024;
    default:
        return 128;
    }
}

struct options options_parse(int argc, char **argv)
{
    if (argc < 2)
        usage_error("no scenario");
    if (strcmp(argv[1], "--help") == 0)
        print_help();
    enum scenario scenario = (enum scenario)choice("scenario", argv[1], scenario_names);
    struct options options = {
        .scenario = scenario,
        .pin = PIN_NONE,
        .loop = LOOP_POLL,
        .seed = 1,
        .pages = default_mib(scenario) * PAGES_PER_MIB,
        .touches = scenario == SCENARIO_DIRTY ? 0 : 20000,
        .warmup = scenario == SCENARIO_DIRTY ? 0 : 2000,
        .rounds = 50,
        .touchers = 1,
        .chunk_pages = 65536 / PAGE_BYTES,
        .low_water_bytes = 262144,
    };
    int entry = 0;
    optind = 2;
    for (int found; (found = getopt_long(argc, argv, "", table, &entry)) != -1;) {
        if (found == '?')
            exit(EXIT_USAGE); /* getopt_long has said why */
        if (!applies((enum option_id)found, scenario))
            usage_error("--%s does not apply to %s", table[entry].name, argv[1]);
        set(&options, &table[entry], optarg);
    }
    if (optind < argc)
        usage_error("unexpected argument '%s'", argv[optind]);
    if (options.touches == 0) /* dirty */
        options.touches = options.pages < 100 ? 1 : options.pages / 100;
    if (options.toucher && options.touch_all)
        usage_error("--toucher and --touch-all are two ways to touch; choose one");
    if (scenario != SCENARIO_STREAM && options.touches + options.warmup > options.pages)
        usage_error("%zu touches and %zu warm-up touches, each of another page, need more than %zu pages",
                    options.touches, options.warmup, options.pages);
    return options;
}

const char *options_scenario_name(enum scenario scenario)
{
    return scenario_names[scenario];
}

const char *options_pin_name(enum pin pin)
{
    return pin_names[pin];
}

const char *options_loop_name(enum loop loop)
{
    return loop_names[loop];
}
