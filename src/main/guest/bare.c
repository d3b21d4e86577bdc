/*
 * A guest without an operating system. It works on its pages for ever: takes one, looks whether its stamp is right, and
 * stamps it anew. Each page carries its number, how often it was stamped, and a word at its end that goes with both; so a page
 * that is old, torn, or another one's is found by the next step that meets it, and a stamp that was lost by the next check: the
 * stamps of all pages together are as many as the steps.
 */
#include "bare.h"

static inline void out32(unsigned short port, unsigned int value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out8(unsigned short port, unsigned char value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline unsigned long ticks(void)
{
    unsigned int low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (unsigned long)high << 32 | low;
}

static void print(const char *text)
{
    while (*text != '\0')
        out8(CONSOLE_PORT, (unsigned char)*text++);
}

/* xorshift64*, Vigna 2016. */
static unsigned long next_random(unsigned long *state)
{
    unsigned long x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dUL;
}

static unsigned long seal(unsigned long page, unsigned long stamps)
{
    unsigned long z = (page << 32 ^ stamps) * 0x9e3779b97f4a7c15UL;

    return z ^ z >> 29;
}

static void damaged(struct cpu_state *cpu, unsigned long page, unsigned long word, unsigned long value)
{
    cpu->damaged_page = page;
    cpu->damaged_word = word;
    cpu->damaged_value = value;
    for (;;)
        out32(REPORT_PORT, REPORT_DAMAGED);
}

/* A page that was never stamped is zero. Gives how often it was. */
static unsigned long check(struct cpu_state *cpu, unsigned long page)
{
    volatile unsigned long *words = (volatile unsigned long *)(page * PAGE_BYTES);
    unsigned long number = words[0];
    unsigned long stamps = words[1];
    unsigned long sealed = words[PAGE_WORDS - 1];

    if (stamps == 0) {
        if (number != 0)
            damaged(cpu, page, 0, number);
        if (sealed != 0)
            damaged(cpu, page, PAGE_WORDS - 1, sealed);
        return 0;
    }
    if (number != page)
        damaged(cpu, page, 0, number);
    if (sealed != seal(page, stamps))
        damaged(cpu, page, PAGE_WORDS - 1, sealed);
    return stamps;
}

static void stamp(unsigned long page, unsigned long stamps)
{
    volatile unsigned long *words = (volatile unsigned long *)(page * PAGE_BYTES);

    words[0] = page;
    words[1] = stamps;
    words[PAGE_WORDS - 1] = seal(page, stamps);
}

static void count_touch(struct cpu_state *cpu, unsigned long took)
{
    cpu->touches[63 - __builtin_clzl(took | 1)]++;
    if (took > cpu->greatest_ticks)
        cpu->greatest_ticks = took;
}

static unsigned long choose(const struct parameters *parameters, struct cpu_state *cpu, unsigned long pages)
{
    if (parameters->sequential == 0)
        return next_random(&cpu->random) % pages;
    cpu->next_page = cpu->next_page + 1 < pages ? cpu->next_page + 1 : 0;
    return cpu->next_page;
}

static void check_all(struct cpu_state *cpu, unsigned long first, unsigned long pages)
{
    unsigned long stamps = 0;

    for (unsigned long i = 0; i < pages; i++)
        stamps += check(cpu, first + i);
    if (stamps != cpu->steps)
        damaged(cpu, 0, stamps, cpu->steps);
    cpu->checks++;
    out32(REPORT_PORT, REPORT_CHECKED);
}

void work(unsigned long number)
{
    const struct parameters *parameters = (const struct parameters *)PARAMETERS;
    struct cpu_state *cpu = (struct cpu_state *)(CPU_STATES + number * PAGE_BYTES);
    unsigned long pages = parameters->pages / parameters->cpus;
    unsigned long first = parameters->first_page + number * pages;

    if (number == 0)
        print("bare guest: at work\n");
    for (;;) {
        unsigned long page = first + choose(parameters, cpu, pages);
        unsigned long start = ticks();
        unsigned long stamps = check(cpu, page);

        count_touch(cpu, ticks() - start);
        stamp(page, stamps + 1);
        cpu->steps++;
        if (cpu->steps % parameters->steps_per_report == 0)
            out32(REPORT_PORT, REPORT_PROGRESS);
        if (parameters->steps_per_check != 0 && cpu->steps % parameters->steps_per_check == 0)
            check_all(cpu, first, pages);
        if (parameters->ticks_per_step != 0) {
            cpu->next_tick += parameters->ticks_per_step;
            if (start > cpu->next_tick + parameters->ticks_per_step * 1000)
                cpu->next_tick = start; /* it has stood still: nothing is caught up on */
            while (ticks() < cpu->next_tick)
                __builtin_ia32_pause();
        }
    }
}
