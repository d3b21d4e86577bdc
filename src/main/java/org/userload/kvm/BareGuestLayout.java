package org.userload.kvm;

/** Where things lie in the memory of the bare guest. The guest's side of this, with a picture, is {@code src/main/guest/bare.h}. */
final class BareGuestLayout {
    static final long PAGE_TABLES = 0x1000;
    static final long PARAMETERS = 0x50000;
    static final long CPU_STATES = 0x51000;
    static final long PROGRAM = 0xa0000;
    static final long STACKS = 0xc0000;
    static final long STACK_BYTES = 0x4000;
    static final long WORK = 0x200000;

    static final int PAGE_BYTES = 4096;
    static final int MOST_CPUS = 64; // as many state pages and stacks as fit

    /** What the page tables can name. */
    static final long MOST_BYTES = 64L << 30;

    /** Offsets in the parameters. */
    static final int CPUS = 0;

    static final int FIRST_PAGE = 8;
    static final int PAGES = 16;
    static final int STEPS_PER_REPORT = 24;
    static final int STEPS_PER_CHECK = 32;
    static final int SEQUENTIAL = 40;
    static final int TICKS_PER_STEP = 48;

    /** Offsets in a CPU's page. */
    static final int STEPS = 0;

    static final int CHECKS = 8;
    static final int RANDOM = 16;
    static final int DAMAGED_PAGE = 32;
    static final int DAMAGED_WORD = 40;
    static final int DAMAGED_VALUE = 48;

    static final int REPORT_PORT = 0x510;

    static final int REPORT_PROGRESS = 1;
    static final int REPORT_CHECKED = 2;
    static final int REPORT_DAMAGED = 3;

    private BareGuestLayout() {}
}
