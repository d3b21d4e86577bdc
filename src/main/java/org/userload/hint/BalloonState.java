package org.userload.hint;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.userload.hint.HintResult.Accepted;

/**
 * What a guest's memory and balloon are at one moment, for the host that it moves to.
 *
 * <p><b>Bytes:</b> the version, {@value #VERSION}; the floor in pages; then the ranges of memory and the ranges in the balloon,
 * each as their number and, for each range, the pages since the end of the one before and its own pages. All numbers but the
 * version are as in LEB128: seven bits a byte, the lowest first, the top bit set on all but the last byte. A range of some
 * thousand pages takes 4 bytes, and a balloon of single pages 2 bytes each.
 *
 * <p>Not to be trusted when it comes from a peer: {@link #restore} checks it as a guest's messages are checked.
 */
public final class BalloonState {
    private static final byte VERSION = 1;
    private static final int LONGEST_NUMBER = 10;
    private static final int BITS = 7;

    private final byte[] bytes;

    private BalloonState(byte[] bytes) {
        this.bytes = bytes;
    }

    static BalloonState of(ReleasedMemory guest) {
        Writer writer = new Writer();
        writer.bytes[writer.length++] = VERSION;
        writer.number(guest.floorPages());
        writer.ranges(guest.memory());
        writer.ranges(guest.released());
        return new BalloonState(Arrays.copyOf(writer.bytes, writer.length));
    }

    /** A state from its bytes, not checked. */
    public static BalloonState ofBytes(byte[] bytes) {
        return new BalloonState(bytes.clone());
    }

    public byte[] toBytes() {
        return bytes.clone();
    }

    /**
     * @param mostPages pages of the address space
     * @throws IllegalArgumentException when the bytes are no state, or memory lies beyond the address space
     */
    ReleasedMemory restore(long mostPages) {
        try {
            ByteBuffer from = ByteBuffer.wrap(bytes);
            byte version = from.get();
            if (version != VERSION) {
                throw new IllegalArgumentException("a balloon's state of version " + version + ", not " + VERSION);
            }
            ReleasedMemory guest = new ReleasedMemory(mostPages, number(from));
            RangeBatch memory = ranges(from);
            for (int i = 0; i < memory.size(); i++) {
                accept(guest.addMemory(memory.first(i), memory.count(i)));
            }
            RangeBatch released = ranges(from);
            if (released.size() > 0) {
                accept(guest.release(released));
            }
            if (from.hasRemaining()) {
                throw new IllegalArgumentException("a balloon's state with " + from.remaining() + " bytes too many");
            }
            return guest;
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException("a balloon's state that is cut off", e);
        }
    }

    private static void accept(HintResult result) {
        if (!(result instanceof Accepted)) {
            throw new IllegalArgumentException("a balloon's state that does not fit the memory: " + result);
        }
    }

    private static RangeBatch ranges(ByteBuffer from) {
        RangeBatch ranges = new RangeBatch();
        long count = number(from);
        long end = 0;
        // A range takes two bytes or more, so that a wrong count ends with the bytes.
        for (long i = 0; i < count; i++) {
            long first = end + number(from);
            long pages = number(from);
            ranges.add(first, pages);
            end = first + pages;
        }
        return ranges;
    }

    private static long number(ByteBuffer from) {
        long value = 0;
        for (int i = 0; i < LONGEST_NUMBER; i++) {
            byte next = from.get();
            value |= (next & 0x7FL) << (i * BITS);
            if (next >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a balloon's state with a number that does not end");
    }

    private static final class Writer {
        byte[] bytes = new byte[256];
        int length;
        private long end;

        void ranges(RangeSnapshot ranges) {
            number(ranges.ranges());
            end = 0;
            ranges.forEach((first, count) -> {
                number(first - end);
                number(count);
                end = first + count;
            });
        }

        void number(long value) {
            if (bytes.length - length < LONGEST_NUMBER) {
                bytes = Arrays.copyOf(bytes, Math.multiplyExact(bytes.length, 2));
            }
            long left = value;
            for (; left >>> BITS != 0; left >>>= BITS) {
                bytes[length++] = (byte) (left | 0x80);
            }
            bytes[length++] = (byte) left;
        }
    }
}
