package org.userload.linux;

/**
 * Numbers and structure offsets of {@code linux/kvm.h} and {@code asm/kvm.h} (x86-64).
 *
 * <pre>
 *  struct kvm_userspace_memory_region (32 bytes)          struct kvm_run, what is used of it
 *   0      4       8            16       24       32       0   1                8             32
 *   +------+-------+------------+--------+--------+        +---+----------------+-------------+------------------+
 *   | slot | flags | guest phys | bytes  | host   |        |   | immediate_exit | exit_reason | by exit reason   |
 *   +------+-------+------------+--------+--------+        +---+----------------+-------------+------------------+
 *
 *  exit by port (32)                                       exit by memory (32)
 *   +-----------+------+------+-------+-------------+       +------+---------+--------+----------+
 *   | direction | size | port | count | data offset |       | phys | 8 bytes | length | is write |
 *   | u8        | u8   | u16  | u32   | u64         |       | u64  |         | u32    | u8       |
 *   +-----------+------+------+-------+-------------+       +------+---------+--------+----------+
 * </pre>
 */
final class KvmLayout {
    static final int API_VERSION = 12;

    static final long KVM_GET_API_VERSION = none(0x00);
    static final long KVM_CREATE_VM = none(0x01);
    static final long KVM_GET_MSR_INDEX_LIST = readWrite(0x02, 4);
    static final long KVM_CHECK_EXTENSION = none(0x03);
    static final long KVM_GET_VCPU_MMAP_SIZE = none(0x04);
    static final long KVM_GET_SUPPORTED_CPUID = readWrite(0x05, 8);

    static final long KVM_CREATE_VCPU = none(0x41);
    static final long KVM_GET_DIRTY_LOG = write(0x42, 16);
    static final long KVM_SET_USER_MEMORY_REGION = write(0x46, 32);
    static final long KVM_SET_TSS_ADDR = none(0x47);
    static final long KVM_SET_IDENTITY_MAP_ADDR = write(0x48, 8);

    static final long KVM_RUN = none(0x80);
    static final long KVM_GET_MSRS = readWrite(0x88, 8);
    static final long KVM_SET_MSRS = write(0x89, 8);
    static final long KVM_SET_CPUID2 = write(0x90, 8);

    static final int MEMORY_REGION_BYTES = 32;
    static final int MEM_LOG_DIRTY_PAGES = 1;

    static final int CPUID_HEADER_BYTES = 8;
    static final int CPUID_ENTRY_BYTES = 40;
    static final int MOST_CPUID_ENTRIES = 256;
    static final int MSR_HEADER_BYTES = 8;
    static final int MSR_ENTRY_BYTES = 16;
    static final int MOST_MSRS = 512;

    static final int RUN_IMMEDIATE_EXIT = 1;
    static final int RUN_EXIT_REASON = 8;
    static final int RUN_EXIT = 32;
    static final int IO_SIZE = RUN_EXIT + 1;
    static final int IO_PORT = RUN_EXIT + 2;
    static final int IO_COUNT = RUN_EXIT + 4;
    static final int IO_DATA_OFFSET = RUN_EXIT + 8;
    static final int MMIO_IS_WRITE = RUN_EXIT + 20;

    static final int EXIT_IO = 2;
    static final int EXIT_HLT = 5;
    static final int EXIT_MMIO = 6;
    static final int EXIT_SHUTDOWN = 8;
    static final int EXIT_FAIL_ENTRY = 9;
    static final int EXIT_INTR = 10;
    static final int EXIT_INTERNAL_ERROR = 17;

    static final int IO_OUT = 1;

    private static final int TYPE = 0xAE;
    private static final int WRITE = 1;
    private static final int READ = 2;

    private KvmLayout() {}

    private static long none(int number) {
        return ioctl(0, number, 0);
    }

    static long read(int number, int bytes) {
        return ioctl(READ, number, bytes);
    }

    static long write(int number, int bytes) {
        return ioctl(WRITE, number, bytes);
    }

    private static long readWrite(int number, int bytes) {
        return ioctl(READ | WRITE, number, bytes);
    }

    /** {@code _IOC(direction, 0xAE, number, bytes)} of asm-generic/ioctl.h. */
    private static long ioctl(int direction, int number, int bytes) {
        return (long) direction << 30 | (long) bytes << 16 | TYPE << 8 | number;
    }
}
