package org.userload.source;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.userload.memory.RegionTable;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.transport.SpareBuffer;

/** Builds PAGES, ZERO and FREE frames from a page source. Used by one loop; the owner closes it. */
final class PageReplies implements AutoCloseable {
    /** Allocators are slow with buffers beyond this. */
    private static final int LARGE_BYTES = 512 << 10;

    /** A block of 2 MiB. */
    private static final int MOST_LARGE_BYTES = FrameLayout.HEADER_BYTES + (2 << 20);

    private final PageSource source;
    private final int pageShift;
    private final SpareBuffer spare;

    /** For frames of many pages, made when needed: one is being sent while the other is filled. */
    private final @Nullable SpareBuffer[] large = new @Nullable SpareBuffer[2];

    private int nextLarge;

    PageReplies(PageSource source) {
        this.source = source;
        RegionTable table = source.regions();
        this.pageShift = table.pageSize().shift();
        this.spare = new SpareBuffer(FrameLayout.HEADER_BYTES + table.pageSize().bytes());
    }

    /** A frame with the content of pages that {@link PageSource#describe} called data. The caller sends or releases it. */
    ByteBuf content(ByteBufAllocator allocator, int region, long firstPage, int count, int id) {
        int bytes = count << pageShift;
        ByteBuf frame = take(allocator, FrameLayout.HEADER_BYTES + bytes);
        try {
            Frames.writeHeader(frame, FrameType.PAGES, region, bytes, firstPage, count, id);
            source.read(region, firstPage, count, frame.internalNioBuffer(FrameLayout.HEADER_BYTES, bytes));
            frame.writerIndex(FrameLayout.HEADER_BYTES + bytes);
            return frame;
        } catch (RuntimeException e) {
            frame.release();
            throw e;
        }
    }

    private ByteBuf take(ByteBufAllocator allocator, int bytes) {
        if (bytes <= LARGE_BYTES || bytes > MOST_LARGE_BYTES) {
            return spare.take(allocator, bytes);
        }
        nextLarge ^= 1;
        SpareBuffer buffer = large[nextLarge];
        if (buffer == null) {
            buffer = new SpareBuffer(MOST_LARGE_BYTES);
            large[nextLarge] = buffer;
        }
        return buffer.take(allocator, bytes);
    }

    /**
     * As {@link #content}, with the pages where the source has them: once the frame is written, or lost, the caller calls {@link
     * PageSource#unpin}. Null when the source has to read them.
     */
    @Nullable
    ByteBuf contentInPlace(ByteBufAllocator allocator, int region, long firstPage, int count, int id) {
        ByteBuffer pages = source.pin(region, firstPage, count);
        if (pages == null) {
            return null;
        }
        ByteBuf header = allocator.directBuffer(FrameLayout.HEADER_BYTES);
        Frames.writeHeader(header, FrameType.PAGES, region, count << pageShift, firstPage, count, id);
        return allocator.compositeDirectBuffer(2).addComponents(true, header, Unpooled.wrappedBuffer(pages));
    }

    /** A frame that says that pages are zero. */
    ByteBuf zero(ByteBufAllocator allocator, int region, long firstPage, int count, int id) {
        ByteBuf frame = spare.take(allocator, FrameLayout.HEADER_BYTES);
        Frames.writeHeader(frame, FrameType.ZERO, region, 0, firstPage, count, id);
        return frame;
    }

    /** A frame that says that the destination has pages already, and that they are not here any more. */
    ByteBuf installed(ByteBufAllocator allocator, int region, long firstPage, int count, int id) {
        ByteBuf frame = spare.take(allocator, FrameLayout.HEADER_BYTES);
        Frames.writeHeader(frame, FrameType.INSTALLED, region, 0, firstPage, count, id);
        return frame;
    }

    /** A frame that says that pages are free, and what each little-endian 8 bytes of them hold from then on. */
    ByteBuf free(ByteBufAllocator allocator, int region, long firstPage, int count, int id, long pattern) {
        ByteBuf frame = spare.take(allocator, FrameLayout.HEADER_BYTES + Long.BYTES);
        Frames.writeHeader(frame, FrameType.FREE, region, Long.BYTES, firstPage, count, id);
        frame.writeLong(pattern);
        return frame;
    }

    @Override
    public void close() {
        spare.close();
        for (SpareBuffer buffer : large) {
            if (buffer != null) {
                buffer.close();
            }
        }
    }
}
