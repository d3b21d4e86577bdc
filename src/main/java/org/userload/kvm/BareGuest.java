package org.userload.kvm;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.userload.linux.KvmState;
import org.userload.linux.KvmVcpu;
import org.userload.memory.GuestMemory;

/**
 * A program for a {@link VirtualMachine} that needs no operating system: it stamps pages and looks whether their stamps are right, for
 * ever. Its source is {@code src/main/guest}.
 *
 * <p>It begins in 64-bit user mode, with page tables made by the host and with the right to use ports, and stays there: where KVM is
 * nested, kernel mode of a guest is emulated, slowly and in part.
 *
 * @param cpus 1 to 64; each has its part of the pages
 * @param pages to work on, at least one for each CPU
 * @param stepsPerReport how often a CPU says that it is alive
 * @param stepsPerCheck after how many steps a CPU looks at all of its pages; 0 for never
 * @param sequential whether pages are taken in order, and not at random
 * @param ticksPerStep of the time stamp counter, from one step to the next; 0 for as fast as it can
 */
public record BareGuest(
        int cpus, long pages, long stepsPerReport, long stepsPerCheck, boolean sequential, long ticksPerStep)
        implements BootProgram {
    private static final String PROGRAM = "bare-guest.bin";

    /** Page table entries: present, writable, of user mode; in a directory, a page of 2 MiB; used and written already. */
    private static final long ENTRY = 7;

    private static final long LARGE_PAGE = ENTRY | 0x80 | 0x60;
    private static final int LARGE_PAGE_SHIFT = 21;
    private static final int ENTRIES = 512;

    private static final long CR0_PAGED_PROTECTED = 0x80000001L | 0x20 | 0x10 | 0x2;
    private static final long CR4_EXTENSIONS = 0x20 | 0x200 | 0x400;
    private static final long EFER_LONG_MODE = 0x500;
    private static final long FLAGS_PORTS_ALLOWED = 0x3002;

    /** @throws IllegalArgumentException when something is out of range */
    public BareGuest {
        if (cpus < 1 || cpus > BareGuestLayout.MOST_CPUS) {
            throw new IllegalArgumentException(
                    "a bare guest has 1 to " + BareGuestLayout.MOST_CPUS + " CPUs, not " + cpus);
        }
        if (pages < cpus || stepsPerReport < 1 || stepsPerCheck < 0 || ticksPerStep < 0) {
            throw new IllegalArgumentException("a bare guest needs a page for each CPU and a step for each report: "
                    + pages + " pages, " + stepsPerReport + " steps per report, " + stepsPerCheck + " per check, "
                    + ticksPerStep + " ticks per step");
        }
    }

    /** Least bytes of memory, which begins at guest address 0. */
    public long memoryBytes() {
        return BareGuestLayout.WORK + pages * BareGuestLayout.PAGE_BYTES;
    }

    /**
     * Puts the program into memory that is present and has not been used.
     *
     * @throws IllegalArgumentException when it does not fit
     * @throws IllegalStateException when this build has no guest program; the message says what to install
     */
    public void load(GuestMemory memory, long seed) {
        long bytes = memory.sizeBytes();
        if (memory.regionCount() != 1
                || memory.region(0).guestAddress() != 0
                || bytes < memoryBytes()
                || bytes > BareGuestLayout.MOST_BYTES) {
            throw new IllegalArgumentException("this bare guest needs one region from address 0, of " + memoryBytes()
                    + " bytes to " + BareGuestLayout.MOST_BYTES + ", not " + bytes);
        }
        memory.put(BareGuestLayout.PROGRAM, ByteBuffer.wrap(program()));
        mapMemory(memory, bytes);
        long parameters = BareGuestLayout.PARAMETERS;
        memory.putLong(parameters + BareGuestLayout.CPUS, cpus);
        memory.putLong(parameters + BareGuestLayout.FIRST_PAGE, BareGuestLayout.WORK / BareGuestLayout.PAGE_BYTES);
        memory.putLong(parameters + BareGuestLayout.PAGES, pages);
        memory.putLong(parameters + BareGuestLayout.STEPS_PER_REPORT, stepsPerReport);
        memory.putLong(parameters + BareGuestLayout.STEPS_PER_CHECK, stepsPerCheck);
        memory.putLong(parameters + BareGuestLayout.SEQUENTIAL, sequential ? 1 : 0);
        memory.putLong(parameters + BareGuestLayout.TICKS_PER_STEP, ticksPerStep);
        for (int cpu = 0; cpu < cpus; cpu++) {
            // Any odd number but 0 will do; this one is different for each CPU.
            memory.putLong(stateOf(cpu) + BareGuestLayout.RANDOM, (seed + cpu) * 0x9E3779B97F4A7C15L | 1);
        }
    }

    private static byte[] program() {
        try (InputStream in = BareGuest.class.getResourceAsStream(PROGRAM)) {
            if (in == null) {
                throw new IllegalStateException(
                        "this build has no guest program: it was built without a C compiler for x86-64;"
                                + " install one (on Debian: apt-get install gcc) and build again");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new IllegalStateException("the guest program cannot be read: " + e.getMessage(), e);
        }
    }

    /** One to one, in pages of 2 MiB. */
    private static void mapMemory(GuestMemory memory, long bytes) {
        long directories = BareGuestLayout.PAGE_TABLES + 2 * BareGuestLayout.PAGE_BYTES;
        long pointers = BareGuestLayout.PAGE_TABLES + BareGuestLayout.PAGE_BYTES;
        memory.putLong(BareGuestLayout.PAGE_TABLES, pointers | ENTRY);
        long large = (bytes + (1L << LARGE_PAGE_SHIFT) - 1) >>> LARGE_PAGE_SHIFT;
        for (long i = 0; i < large; i++) {
            if (i % ENTRIES == 0) {
                long directory = directories + i / ENTRIES * BareGuestLayout.PAGE_BYTES;
                memory.putLong(pointers + i / ENTRIES * Long.BYTES, directory | ENTRY);
            }
            memory.putLong(directories + i * Long.BYTES, i << LARGE_PAGE_SHIFT | LARGE_PAGE);
        }
    }

    private static long stateOf(int cpu) {
        return BareGuestLayout.CPU_STATES + (long) cpu * BareGuestLayout.PAGE_BYTES;
    }

    @Override
    public void start(KvmVcpu vcpu, int number) {
        ByteBuffer special =
                ByteBuffer.wrap(vcpu.get(KvmState.SPECIAL_REGISTERS)).order(ByteOrder.LITTLE_ENDIAN);
        segment(special, 0, 0x1b, 11, true);
        for (int data = 1; data < 6; data++) {
            segment(special, data, 0x23, 3, false);
        }
        int controls = 8 * 24 + 2 * 16;
        special.putLong(controls, CR0_PAGED_PROTECTED);
        special.putLong(controls + 16, BareGuestLayout.PAGE_TABLES);
        special.putLong(controls + 24, CR4_EXTENSIONS);
        special.putLong(controls + 40, EFER_LONG_MODE);
        vcpu.set(KvmState.SPECIAL_REGISTERS, special.array());
        ByteBuffer registers = ByteBuffer.allocate(KvmState.REGISTERS.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        int rdi = 5 * Long.BYTES;
        int rsp = 6 * Long.BYTES;
        int rip = 16 * Long.BYTES;
        registers.putLong(rdi, number);
        registers.putLong(rsp, BareGuestLayout.STACKS + (number + 1) * BareGuestLayout.STACK_BYTES);
        registers.putLong(rip, BareGuestLayout.PROGRAM);
        registers.putLong(rip + Long.BYTES, FLAGS_PORTS_ALLOWED);
        vcpu.set(KvmState.REGISTERS, registers.array());
    }

    /** A flat segment of privilege level 3, as {@code struct kvm_segment}. */
    private static void segment(ByteBuffer special, int index, int selector, int type, boolean code) {
        int at = index * 24;
        special.putLong(at, 0);
        special.putInt(at + 8, -1);
        special.putShort(at + 12, (short) selector);
        special.put(at + 14, (byte) type);
        special.put(at + 15, (byte) 1); // present
        special.put(at + 16, (byte) 3); // privilege level
        special.put(at + 17, (byte) (code ? 0 : 1)); // 16/32 bit
        special.put(at + 18, (byte) 1); // code or data
        special.put(at + 19, (byte) (code ? 1 : 0)); // 64 bit
        special.put(at + 20, (byte) 1); // in pages
        special.put(at + 21, (byte) 0);
        special.put(at + 22, (byte) 0);
    }

    /** Steps that a CPU has done. Reads guest memory: a missing page comes. */
    public long steps(GuestMemory memory, int cpu) {
        return memory.getLong(stateOf(cpu) + BareGuestLayout.STEPS);
    }

    /** How often a CPU has looked at all of its pages and found every stamp right. */
    public long checks(GuestMemory memory, int cpu) {
        return memory.getLong(stateOf(cpu) + BareGuestLayout.CHECKS);
    }

    /** What a CPU that has found a wrong stamp says of it. */
    String damage(GuestMemory memory, int cpu) {
        long at = stateOf(cpu);
        return String.format(
                "CPU %d found 0x%x in word %d of page %d",
                cpu,
                memory.getLong(at + BareGuestLayout.DAMAGED_VALUE),
                memory.getLong(at + BareGuestLayout.DAMAGED_WORD),
                memory.getLong(at + BareGuestLayout.DAMAGED_PAGE));
    }
}
