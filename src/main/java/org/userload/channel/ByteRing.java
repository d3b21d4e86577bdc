package org.userload.channel;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Bytes from one writer to one reader through a piece of memory of fixed size. The memory may be shared with a peer that is
 * not trusted: each side keeps its own position to itself and only publishes it, and checks the other's.
 *
 * <pre>
 *   0          64                  68   128               132   192
 *   +----------+---------+---------+----+--------+---------+----+----------------
 *   | unused   | closed  | written |    | closed | read    |    | bytes ...
 *   |          | u64     | u64 (72)|    | u64    | u64(136)|    | a power of two
 *   +----------+---------+---------+----+--------+---------+----+----------------
 *              the writer's             the reader's
 * </pre>
 *
 * Numbers are little endian and count bytes since the beginning; those of the two sides lie on different cache lines. A byte
 * with number <i>n</i> lies at <i>n</i> modulo the size.
 *
 * <p>A side that finds nothing to do notes its thread, looks again, and parks; the other side publishes its position, looks
 * for a thread, and unparks it. All four are volatile, so one of the two sees the other.
 */
final class ByteRing {
    static final int WRITER_CLOSED_OFFSET = 64;
    static final int WRITTEN_OFFSET = 72;
    static final int READER_CLOSED_OFFSET = 128;
    static final int READ_OFFSET = 136;
    static final int DATA_OFFSET = 192;

    private static final int CACHE_LINE_BYTES = 64;
    private static final int LEAST_BYTES = 1024;
    private static final int MOST_BYTES = 1 << 30;
    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final ByteBuffer memory;
    private final int size;

    /** The writer's own. */
    private long written;

    /** The reader's own. */
    private long read;

    private volatile @Nullable Thread waitingReader;
    private volatile @Nullable Thread waitingWriter;

    /** @param size bytes, a power of two from 1 KiB to 1 GiB */
    ByteRing(int size) {
        if (Integer.bitCount(size) != 1 || size < LEAST_BYTES || size > MOST_BYTES) {
            throw new IllegalArgumentException(
                    "a ring has a power of two from " + LEAST_BYTES + " to " + MOST_BYTES + " bytes, not " + size);
        }
        this.memory =
                ByteBuffer.allocateDirect(DATA_OFFSET + size + CACHE_LINE_BYTES).alignedSlice(CACHE_LINE_BYTES);
        this.size = size;
    }

    /** The shared memory itself, for tests that act as a bad peer. */
    ByteBuffer memory() {
        return memory;
    }

    /** The writer: takes what there is room for. */
    int write(ByteBuffer from) throws IOException {
        if (isSet(READER_CLOSED_OFFSET)) {
            throw new ChannelClosedException("the reader of the ring is gone");
        }
        int count = Math.min(room(), from.remaining());
        if (count == 0) {
            return 0;
        }
        int at = (int) written & (size - 1);
        int untilEnd = Math.min(count, size - at);
        memory.put(DATA_OFFSET + at, from, from.position(), untilEnd);
        memory.put(DATA_OFFSET, from, from.position() + untilEnd, count - untilEnd);
        from.position(from.position() + count);
        written += count;
        LONGS.setVolatile(memory, WRITTEN_OFFSET, written);
        unpark(waitingReader);
        return count;
    }

    /** The reader: gives what is there, as far as it fits. */
    int read(ByteBuffer into) throws IOException {
        boolean closed = isSet(WRITER_CLOSED_OFFSET);
        int available = available();
        int count = Math.min(available, into.remaining());
        if (count == 0) {
            return closed && available == 0 ? BytePipe.ENDED : 0;
        }
        int at = (int) read & (size - 1);
        int untilEnd = Math.min(count, size - at);
        into.put(into.position(), memory, DATA_OFFSET + at, untilEnd);
        into.put(into.position() + untilEnd, memory, DATA_OFFSET, count - untilEnd);
        into.position(into.position() + count);
        read += count;
        LONGS.setVolatile(memory, READ_OFFSET, read);
        Thread writer = waitingWriter;
        if (writer != null && size - available + count >= roomWorthWaking()) {
            unpark(writer);
        }
        return count;
    }

    private int available() throws IOException {
        return inRing((long) LONGS.getVolatile(memory, WRITTEN_OFFSET) - read);
    }

    private int room() throws IOException {
        return size - inRing(written - (long) LONGS.getVolatile(memory, READ_OFFSET));
    }

    private int inRing(long bytes) throws IOException {
        if (bytes < 0 || bytes > size) {
            throw new ChannelClosedException("the peer has broken the ring: " + bytes + " of " + size + " bytes in it");
        }
        return (int) bytes;
    }

    /** The reader has something to do. */
    boolean isReadable() throws IOException {
        return isSet(WRITER_CLOSED_OFFSET) || available() > 0;
    }

    /** The writer has something to do; one that found the ring full waits until a quarter is empty. */
    boolean isWritable() throws IOException {
        return isSet(READER_CLOSED_OFFSET) || room() >= roomWorthWaking();
    }

    private int roomWorthWaking() {
        return size / 4;
    }

    void waitingReader(@Nullable Thread thread) {
        waitingReader = thread;
    }

    void waitingWriter(@Nullable Thread thread) {
        waitingWriter = thread;
    }

    void closeWriter() {
        LONGS.setVolatile(memory, WRITER_CLOSED_OFFSET, 1L);
        unpark(waitingReader);
    }

    void closeReader() {
        LONGS.setVolatile(memory, READER_CLOSED_OFFSET, 1L);
        unpark(waitingWriter);
    }

    private boolean isSet(int offset) {
        return (long) LONGS.getVolatile(memory, offset) != 0;
    }

    private static void unpark(@Nullable Thread thread) {
        if (thread != null) {
            LockSupport.unpark(thread);
        }
    }
}
