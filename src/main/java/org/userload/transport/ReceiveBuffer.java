package org.userload.transport;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.DefaultMaxMessagesRecvByteBufAllocator;

/**
 * One receive buffer for the life of a connection, handed out again for every read, so that reading allocates nothing
 * and page content always arrives in the same, warm memory.
 *
 * <p>That works because a {@link FrameChannel} is done with a buffer before the next read. Connection's event loop only.
 */
final class ReceiveBuffer extends DefaultMaxMessagesRecvByteBufAllocator implements AutoCloseable {
    private final int bytes;
    private final SpareBuffer spare;

    ReceiveBuffer(int bytes) {
        this.bytes = bytes;
        this.spare = new SpareBuffer(bytes);
    }

    @Override
    @SuppressWarnings("deprecation") // Netty's own interface has no other way to make a handle.
    public Handle newHandle() {
        return new MaxMessageHandle() {
            @Override
            public ByteBuf allocate(ByteBufAllocator allocator) {
                return spare.take(allocator, bytes);
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
