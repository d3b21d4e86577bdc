package org.userload.linux;

/**
 * Numbers and structure offsets of {@code linux/userfaultfd.h} (64-bit).
 *
 * <pre>
 *  struct uffd_msg (32 bytes)
 *   0        1                 8                 16                24         32
 *   +--------+-----------------+-----------------+-----------------+----------+
 *   | event  | reserved        | pagefault.flags | .address        | .ptid    |
 *   |        |                 | remove.start    | .end            |          |
 *   |        |                 | remap.from      | .to             | .len     |
 *   |        |                 | fork.ufd (u32)  |                 |          |
 *   +--------+-----------------+-----------------+-----------------+----------+
 *
 *  struct uffdio_copy, uffdio_move (40 bytes)      struct uffdio_zeropage, uffdio_poison (32 bytes)
 *   0     8     16    24     32       40            0       8     16     24            32
 *   +-----+-----+-----+------+--------+             +-------+-----+------+-------------+
 *   | dst | src | len | mode | copied |             | start | len | mode | done        |
 *   +-----+-----+-----+------+--------+             +-------+-----+------+-------------+
 * </pre>
 */
final class UffdLayout {
    static final long SYS_USERFAULTFD = isAarch64() ? 282 : 323;
    static final int USER_MODE_ONLY = 1;
    static final int O_CLOEXEC = 0x80000;
    static final int O_NONBLOCK = 0x800;
    static final long API_VERSION = 0xAA;

    static final long USERFAULTFD_IOC_NEW = 0xAA00;
    static final long UFFDIO_API = ioctl(3, 0x3F, 24);
    static final long UFFDIO_REGISTER = ioctl(3, 0x00, 32);
    static final long UFFDIO_UNREGISTER = ioctl(2, 0x01, 16);
    static final long UFFDIO_WAKE = ioctl(2, 0x02, 16);
    static final long UFFDIO_COPY = ioctl(3, 0x03, 40);
    static final long UFFDIO_ZEROPAGE = ioctl(3, 0x04, 32);
    static final long UFFDIO_WRITEPROTECT = ioctl(3, 0x06, 24);
    static final long UFFDIO_MOVE = ioctl(3, 0x05, 40);
    static final long UFFDIO_POISON = ioctl(3, 0x08, 32);

    static final long REGISTER_MODE_MISSING = 1;
    static final long REGISTER_MODE_WP = 2;
    static final long WRITEPROTECT_MODE_WP = 1;

    static final int STRUCT_BYTES = 40;
    static final int COPY_DONE = 32;
    static final int ZEROPAGE_DONE = 24;

    static final int MESSAGE_BYTES = 32;
    static final int MESSAGE_EVENT = 0;
    static final int MESSAGE_FIRST = 8;
    static final int MESSAGE_SECOND = 16;
    static final int MESSAGE_THIRD = 24;

    static final int EVENT_PAGEFAULT = 0x12;
    static final int EVENT_FORK = 0x13;
    static final int EVENT_REMAP = 0x14;
    static final int EVENT_REMOVE = 0x15;
    static final int EVENT_UNMAP = 0x16;

    static final long PAGEFAULT_FLAG_WRITE = 1;

    private UffdLayout() {}

    /** {@code _IOC(direction, 0xAA, number, size)} of asm-generic/ioctl.h. */
    private static long ioctl(int direction, int number, int size) {
        return (long) direction << 30 | (long) size << 16 | 0xAA << 8 | number;
    }

    private static boolean isAarch64() {
        return "aarch64".equals(System.getProperty("os.arch"));
    }
}
