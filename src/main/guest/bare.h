/*
 * Where things lie in the memory of the bare guest, and what guest and host tell each other. The host's side of this is
 * org.userload.kvm.BareGuestLayout.
 *
 *   0x001000  page tables: one to one, in pages of 2 MiB, for up to 64 GiB
 *   0x050000  parameters, written by the host before the guest starts
 *   0x051000  a page for each virtual CPU: what it has done so far
 *   0x0a0000  this program
 *   0x0c0000  stacks of 16 KiB
 *   0x200000  pages to work on, divided among the virtual CPUs
 */
#ifndef BARE_H
#define BARE_H

#define PARAMETERS 0x50000
#define CPU_STATES 0x51000
#define STACKS 0xc0000
#define STACK_BYTES 0x4000
#define PAGE_BYTES 4096
#define PAGE_WORDS 512

#define CONSOLE_PORT 0x3f8
#define REPORT_PORT 0x510

enum report {
    REPORT_PROGRESS = 1, /* a number of steps is done */
    REPORT_CHECKED = 2,  /* all stamps were right */
    REPORT_DAMAGED = 3,  /* a stamp is wrong: see the CPU's page */
};

struct parameters {
    unsigned long cpus;
    unsigned long first_page;
    unsigned long pages;           /* to work on, all CPUs together */
    unsigned long steps_per_report;
    unsigned long steps_per_check; /* 0: never looks at all of them */
    unsigned long sequential;      /* else at random */
    unsigned long ticks_per_step;  /* of the time stamp counter; 0: as fast as it can */
    unsigned long latencies;       /* slots of the histogram in the CPU's page that count what a touch took */
};

struct cpu_state {
    unsigned long steps;
    unsigned long checks;
    unsigned long random;
    unsigned long next_page;
    unsigned long damaged_page;
    unsigned long damaged_word;
    unsigned long damaged_value;
    unsigned long greatest_ticks;
    unsigned long next_tick;
    unsigned long reserved[55];
    unsigned long touches[64]; /* by the logarithm of the ticks that a page took */
};

#endif
