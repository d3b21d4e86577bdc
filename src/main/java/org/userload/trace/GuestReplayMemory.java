package org.userload.trace;

import org.userload.memory.GuestMemory;

/** Guest memory as a replay sees it. As thread-safe as the {@link GuestMemory} under it, which stays the caller's. */
public record GuestReplayMemory(GuestMemory memory) implements ReplayMemory {
    @Override
    public long sizeBytes() {
        return memory.sizeBytes();
    }

    @Override
    public byte getByte(long guestAddress) {
        return memory.getByte(guestAddress);
    }

    @Override
    public short getShort(long guestAddress) {
        return memory.getShort(guestAddress);
    }

    @Override
    public int getInt(long guestAddress) {
        return memory.getInt(guestAddress);
    }

    @Override
    public long getLong(long guestAddress) {
        return memory.getLong(guestAddress);
    }

    @Override
    public void putByte(long guestAddress, byte value) {
        memory.putByte(guestAddress, value);
    }

    @Override
    public void putShort(long guestAddress, short value) {
        memory.putShort(guestAddress, value);
    }

    @Override
    public void putInt(long guestAddress, int value) {
        memory.putInt(guestAddress, value);
    }

    @Override
    public void putLong(long guestAddress, long value) {
        memory.putLong(guestAddress, value);
    }

    @Override
    public void get(long guestAddress, byte[] target, int offset, int length) {
        memory.get(guestAddress, target, offset, length);
    }

    @Override
    public void put(long guestAddress, byte[] source, int offset, int length) {
        memory.put(guestAddress, source, offset, length);
    }
}
