package org.userload.trace;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The CPU state of a replayed guest: all that it has besides memory. Immutable. Saved as 40 bytes, little-endian:
 *
 * <pre>
 * +-------------+----------+-------------------+------+----------+----------+
 * | magic "ULCS"| version  | fingerprint       | seed | position | checksum |
 * | u32         | u32 = 1  | u64               | u64  | u64      | u64      |
 * +-------------+----------+-------------------+------+----------+----------+
 * 0             4          8                   16     24         32         40
 * </pre>
 *
 * @param fingerprint {@link Program#fingerprint()} of what is replayed: the trace and how often
 * @param seed seed of the first memory contents
 * @param position accesses done, from 0 to the program's access count
 * @param checksum running checksum
 */
public record CpuState(long fingerprint, long seed, long position, long checksum) {
    /** Bytes of a saved state. */
    public static final int BYTES = 40;

    /** The bytes "ULCS". */
    static final int MAGIC = 0x53434c55;

    static final int VERSION = 1;

    static final int MAGIC_OFFSET = 0;
    static final int VERSION_OFFSET = 4;
    static final int FINGERPRINT_OFFSET = 8;
    static final int SEED_OFFSET = 16;
    static final int POSITION_OFFSET = 24;
    static final int CHECKSUM_OFFSET = 32;

    /** The state before the first access. */
    static CpuState first(Program program) {
        return new CpuState(program.fingerprint(), program.seed(), 0, ReplayArithmetic.firstChecksum(program.seed()));
    }

    /** The saved form, {@value #BYTES} bytes. */
    public byte[] toBytes() {
        return ByteBuffer.allocate(BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC_OFFSET, MAGIC)
                .putInt(VERSION_OFFSET, VERSION)
                .putLong(FINGERPRINT_OFFSET, fingerprint)
                .putLong(SEED_OFFSET, seed)
                .putLong(POSITION_OFFSET, position)
                .putLong(CHECKSUM_OFFSET, checksum)
                .array();
    }

    /**
     * The state in its saved form.
     *
     * @throws CpuStateException if the bytes are not a saved state of this version
     */
    public static CpuState fromBytes(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new CpuStateException(bytes.length + " bytes of CPU state", BYTES + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int magic = buffer.getInt(MAGIC_OFFSET);
        if (magic != MAGIC) {
            throw new CpuStateException("magic 0x" + Integer.toHexString(magic), "the CPU state of a replay (ULCS)");
        }
        int version = buffer.getInt(VERSION_OFFSET);
        if (version != VERSION) {
            throw new CpuStateException("CPU state version " + Integer.toUnsignedString(version), "version " + VERSION);
        }
        return new CpuState(
                buffer.getLong(FINGERPRINT_OFFSET),
                buffer.getLong(SEED_OFFSET),
                buffer.getLong(POSITION_OFFSET),
                buffer.getLong(CHECKSUM_OFFSET));
    }

    /**
     * Refuses a state that does not belong to this program.
     *
     * @throws CpuStateException naming what differs
     */
    void requireFor(Program program) {
        if (fingerprint != program.fingerprint()) {
            throw new CpuStateException(
                    "a CPU state of " + found(program),
                    "one of " + program + " (" + Long.toHexString(program.fingerprint()) + ")");
        }
        if (seed != program.seed()) {
            throw new CpuStateException("a CPU state with seed " + seed, "seed " + program.seed());
        }
        if (position < 0 || position > program.accessCount()) {
            throw new CpuStateException("position " + Long.toUnsignedString(position), "0 to " + program.accessCount());
        }
    }

    private String found(Program expected) {
        return fingerprint == expected.trace().fingerprint()
                ? "one loop of this trace"
                : "another trace or another number of loops (" + Long.toHexString(fingerprint) + ")";
    }
}
