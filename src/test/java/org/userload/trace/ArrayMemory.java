package org.userload.trace;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Guest memory in a byte array. */
class ArrayMemory implements ReplayMemory {
    final byte[] bytes;
    private final ByteBuffer buffer;

    ArrayMemory(long sizeBytes) {
        bytes = new byte[Math.toIntExact(sizeBytes)];
        buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public byte getByte(long guestAddress) {
        return buffer.get((int) guestAddress);
    }

    @Override
    public short getShort(long guestAddress) {
        return buffer.getShort((int) guestAddress);
    }

    @Override
    public int getInt(long guestAddress) {
        return buffer.getInt((int) guestAddress);
    }

    @Override
    public long getLong(long guestAddress) {
        return buffer.getLong((int) guestAddress);
    }

    @Override
    public void putByte(long guestAddress, byte value) {
        buffer.put((int) guestAddress, value);
    }

    @Override
    public void putShort(long guestAddress, short value) {
        buffer.putShort((int) guestAddress, value);
    }

    @Override
    public void putInt(long guestAddress, int value) {
        buffer.putInt((int) guestAddress, value);
    }

    @Override
    public void putLong(long guestAddress, long value) {
        buffer.putLong((int) guestAddress, value);
    }

    @Override
    public void get(long guestAddress, byte[] target, int offset, int length) {
        buffer.get((int) guestAddress, target, offset, length);
    }

    @Override
    public void put(long guestAddress, byte[] source, int offset, int length) {
        buffer.put((int) guestAddress, source, offset, length);
    }
}
