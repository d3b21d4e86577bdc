package org.userload.transport;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One receive buffer for the life of a connection, handed out again for every read, so that reading allocates nothing
 * and page content always arrives in the same, warm memory. Whoever reads may say for each read that another buffer should
 * be filled.
 *
 * <p>That works because a {@link FrameChannel} is done with a buffer before the next read. Connection's event loop only.
 */
final class ReceiveBuffer extends DefaultMaxMessagesRecvByteBufAllocator implements AutoCloseable {
    private final int bytes;
    private final SpareBuffer spare;
    private final Supplier<@Nullable ByteBuf> otherPlace;

    /** @param otherPlace gives a buffer for the next read, which is released when it was read; null for the usual one */
    ReceiveBuffer(int bytes, Supplier<@Nullable ByteBuf> otherPlace) {
        this.bytes = bytes;
        this.otherPlace = otherPlace;
        this.spare = new SpareBuffer(bytes);
    }

    @Override
    @SuppressWarnings("deprecation") // Netty's own interface has no other way to make a handle.
    public Handle newHandle() {
        return new MaxMessageHandle() {
            @Override
            public ByteBuf allocate(ByteBufAllocator allocator) {
                ByteBuf other = otherPlace.get();
                return other == null ? spare.take(allocator, bytes) : other;
            }

            @Override
            public int guess() {
                return bytes;
            }
        };
    }

    @Override
    public void close() {
        spare.close();
    }
}
