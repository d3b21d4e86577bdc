package org.userload.transport;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/**
 * A direct buffer that is used again and again: what is sent or received one after the other needs no allocator, which
 * costs time on the way of every page, and more each time its leak detection takes a sample.
 *
 * <p>Whoever takes the buffer releases it, as any other. While it is out, {@link #take} falls back on the allocator.
 * Used by one event loop. After {@link #close} it is not handed out again; the memory is the garbage collector's, since a
 * loop that ends may never tell its handlers so.
 */
public final class SpareBuffer implements AutoCloseable {
    private final ByteBuf buffer;

    /** @param bytes capacity */
    public SpareBuffer(int bytes) {
        buffer = Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(bytes));
    }

    /** An empty buffer with room for at least {@code bytes}. */
    public ByteBuf take(ByteBufAllocator otherwise, int bytes) {
        if (buffer.refCnt() == 1 && bytes <= buffer.capacity()) {
            return buffer.clear().retain();
        }
        return otherwise.directBuffer(bytes);
    }

    /** Idempotent. */
    @Override
    public void close() {
        if (buffer.refCnt() > 0) {
            buffer.release();
        }
    }
}
