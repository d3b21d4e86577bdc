package org.userload.trace;

/**
 * The guest memory that a replay reads and writes: little-endian, at guest addresses from 0, unaligned and across page
 * borders as it comes.
 *
 * <p>An access may block while its page is on its way. What it throws ends the replay.
 */
public interface ReplayMemory {
    /** Bytes of guest memory: addresses are 0 to {@code sizeBytes() - 1}. */
    long sizeBytes();

    byte getByte(long guestAddress);

    short getShort(long guestAddress);

    int getInt(long guestAddress);

    long getLong(long guestAddress);

    void putByte(long guestAddress, byte value);

    void putShort(long guestAddress, short value);

    void putInt(long guestAddress, int value);

    void putLong(long guestAddress, long value);

    /** Copies guest memory into an array. */
    void get(long guestAddress, byte[] target, int offset, int length);

    /** Copies an array into guest memory. */
    void put(long guestAddress, byte[] source, int offset, int length);
}
