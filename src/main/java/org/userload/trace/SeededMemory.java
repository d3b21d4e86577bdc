package org.userload.trace;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The pseudo-random contents that guest memory has before the first access: 8-byte little-endian word {@code i} is
 * {@code mix64(seed + (i + 1) * 0x9E3779B97F4A7C15)}. Any part can be computed alone. See {@code docs/replay.md}.
 *
 * <p>Stateless; methods may run in any thread, on different parts of a memory in parallel.
 */
public final class SeededMemory {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int BLOCK_BYTES = 1 << 16;

    private SeededMemory() {}

    /** Fills all of a memory, whose size is a multiple of 8 bytes. */
    public static void fill(ReplayMemory memory, long seed) {
        fill(memory, seed, 0, memory.sizeBytes());
    }

    /**
     * Fills a part of a memory.
     *
     * @param guestAddress first byte, a multiple of 8
     * @param lengthBytes a multiple of 8
     */
    public static void fill(ReplayMemory memory, long seed, long guestAddress, long lengthBytes) {
        byte[] block = new byte[BLOCK_BYTES];
        long end = guestAddress + lengthBytes;
        for (long at = guestAddress; at < end; at += BLOCK_BYTES) {
            int length = (int) Math.min(BLOCK_BYTES, end - at);
            fill(block, 0, length, seed, at);
            memory.put(at, block, 0, length);
        }
    }

    /**
     * Computes the contents of a part of guest memory into an array.
     *
     * @param lengthBytes a multiple of 8
     * @param guestAddress guest address of the first byte, a multiple of 8
     * @throws IllegalArgumentException if a number is not a multiple of 8
     */
    public static void fill(byte[] target, int offset, int lengthBytes, long seed, long guestAddress) {
        requireWords(lengthBytes);
        requireWords(guestAddress);
        long word = guestAddress / Long.BYTES;
        for (int i = 0; i < lengthBytes; i += Long.BYTES) {
            LONG.set(target, offset + i, ReplayArithmetic.memoryWord(seed, word++));
        }
    }

    /**
     * A checksum of all of a memory, whose size is a multiple of 8 bytes: every word folded in order, from 0. Two
     * memories of one size that differ in one word differ in it for certain, others with overwhelming probability.
     */
    public static long checksum(ReplayMemory memory) {
        long size = memory.sizeBytes();
        requireWords(size);
        byte[] block = new byte[BLOCK_BYTES];
        long checksum = 0;
        for (long at = 0; at < size; at += BLOCK_BYTES) {
            int length = (int) Math.min(BLOCK_BYTES, size - at);
            memory.get(at, block, 0, length);
            for (int i = 0; i < length; i += Long.BYTES) {
                checksum = ReplayArithmetic.fold(checksum, (long) LONG.get(block, i));
            }
        }
        return checksum;
    }

    private static void requireWords(long bytes) {
        if (bytes < 0 || bytes % Long.BYTES != 0) {
            throw new IllegalArgumentException(bytes + " bytes, expected a multiple of " + Long.BYTES);
        }
    }
}
