package org.userload.trace;

/**
 * Performs single accesses: reads fold guest memory into a running checksum, writes write bytes that depend on it.
 * {@code docs/replay.md} specifies the arithmetic. No allocation; the state is the caller's. Any thread.
 */
final class AccessEngine {
    private AccessEngine() {}

    /** The checksum after one access. */
    static long perform(ReplayMemory memory, long guestAddress, int sizeBytes, int operationCode, long checksum) {
        long result = checksum;
        if (operationCode != Operation.WRITE.code()) {
            result = read(memory, guestAddress, sizeBytes, result);
        }
        if (operationCode == Operation.WRITE.code() || operationCode == Operation.MODIFY.code()) {
            result = write(memory, guestAddress, sizeBytes, result);
        }
        return result;
    }

    private static long read(ReplayMemory memory, long guestAddress, int sizeBytes, long checksum) {
        if (sizeBytes == Long.BYTES) {
            return ReplayArithmetic.fold(checksum, memory.getLong(guestAddress));
        }
        if (sizeBytes < Long.BYTES) {
            return ReplayArithmetic.fold(checksum, readTail(memory, guestAddress, sizeBytes));
        }
        long result = checksum;
        long address = guestAddress;
        int left = sizeBytes;
        for (; left >= Long.BYTES; left -= Long.BYTES, address += Long.BYTES) {
            result = ReplayArithmetic.fold(result, memory.getLong(address));
        }
        return left == 0 ? result : ReplayArithmetic.fold(result, readTail(memory, address, left));
    }

    /** 1 to 7 bytes, zero-extended. */
    private static long readTail(ReplayMemory memory, long guestAddress, int sizeBytes) {
        return switch (sizeBytes) {
            case 1 -> memory.getByte(guestAddress) & 0xffL;
            case 2 -> memory.getShort(guestAddress) & 0xffffL;
            case 3 -> (memory.getShort(guestAddress) & 0xffffL) | (memory.getByte(guestAddress + 2) & 0xffL) << 16;
            case 4 -> memory.getInt(guestAddress) & 0xffffffffL;
            case 5 -> (memory.getInt(guestAddress) & 0xffffffffL) | (memory.getByte(guestAddress + 4) & 0xffL) << 32;
            case 6 -> (memory.getInt(guestAddress) & 0xffffffffL) | (memory.getShort(guestAddress + 4) & 0xffffL) << 32;
            default ->
                (memory.getInt(guestAddress) & 0xffffffffL)
                        | (memory.getShort(guestAddress + 4) & 0xffffL) << 32
                        | (memory.getByte(guestAddress + 6) & 0xffL) << 48;
        };
    }

    private static long write(ReplayMemory memory, long guestAddress, int sizeBytes, long checksum) {
        long result = checksum;
        long address = guestAddress;
        int left = sizeBytes;
        for (; left >= Long.BYTES; left -= Long.BYTES, address += Long.BYTES) {
            result = ReplayArithmetic.advance(result);
            memory.putLong(address, ReplayArithmetic.mix64(result));
        }
        if (left > 0) {
            result = ReplayArithmetic.advance(result);
            writeTail(memory, address, left, ReplayArithmetic.mix64(result));
        }
        return result;
    }

    /** The lowest 1 to 7 bytes of a word. */
    private static void writeTail(ReplayMemory memory, long guestAddress, int sizeBytes, long word) {
        long address = guestAddress;
        long rest = word;
        if ((sizeBytes & 4) != 0) {
            memory.putInt(address, (int) rest);
            address += 4;
            rest >>>= 32;
        }
        if ((sizeBytes & 2) != 0) {
            memory.putShort(address, (short) rest);
            address += 2;
            rest >>>= 16;
        }
        if ((sizeBytes & 1) != 0) {
            memory.putByte(address, (byte) rest);
        }
    }
}
