package org.userload.destination;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;
import org.userload.linux.NativeMemory;
import org.userload.memory.MemoryRegion;
import org.userload.memory.RegionTable;
import org.userload.pack.Compression;
import org.userload.pack.CorruptPageException;
import org.userload.pack.PageDelta;
import org.userload.pack.PageUnpacker;
import org.userload.protocol.Feature;
import org.userload.protocol.FrameHeader;
import org.userload.protocol.FrameType;
import org.userload.protocol.ProtocolException;

/**
 * Turns the body of a PACKED or DELTA frame back into pages, in a buffer of its own: whatever is wrong with a frame is
 * found before a byte of it is installed.
 *
 * <p>The buffer is used again for every frame and grows to the largest number of pages that came in one, 2 MiB at most.
 * One connection's loop only.
 */
final class PageDecoder implements AutoCloseable {
    private final int pageShift;
    private final Map<Compression, PageUnpacker> unpackers = new EnumMap<>(Compression.class);
    private ByteBuffer pages = ByteBuffer.allocateDirect(0);
    private ByteBuf wrapped = Unpooled.EMPTY_BUFFER;

    PageDecoder(RegionTable table) {
        this.pageShift = table.pageSize().shift();
    }

    /**
     * The pages of a PACKED frame.
     *
     * @param header checked
     * @param bytes the body from the reader index on
     * @param features what the hellos agreed on
     * @return the pages; valid until the next call
     * @throws ProtocolException names region and pages
     */
    ByteBuf unpack(FrameHeader header, ByteBuf bytes, long features) {
        Compression compression = Compression.ofCode(bytes.getUnsignedByte(bytes.readerIndex()));
        if (compression == null || !Feature.of(compression).in(features)) {
            throw new ProtocolException(
                    name(header, header.firstPage(), header.count()) + ": no compression that was agreed on");
        }
        int plainBytes = makeRoom(header.count());
        PageUnpacker unpacker = unpackers.computeIfAbsent(compression, Compression::newUnpacker);
        ByteBuffer body = body(header, bytes);
        try {
            unpacker.unpack(body, body.position() + 1, header.bodyLength() - 1, pages, 0, plainBytes);
        } catch (CorruptPageException e) {
            throw new ProtocolException(
                    name(header, header.firstPage(), header.count()) + ": corrupt, " + e.getMessage());
        }
        return wrapped.setIndex(0, plainBytes);
    }

    /**
     * The pages of a DELTA frame: those in place, changed.
     *
     * @param target region of the pages
     * @see #unpack
     */
    ByteBuf change(FrameHeader header, ByteBuf bytes, long features, MemoryRegion target) {
        if (!Feature.DELTA.in(features)) {
            throw new ProtocolException(FrameType.DELTA + " frame, which was not agreed on");
        }
        long first = header.firstPage();
        long missing = target.received().nextClear(first, first + header.count());
        if (missing < first + header.count()) {
            throw new ProtocolException(name(header, missing, 1) + ": it is not in place");
        }
        int plainBytes = makeRoom(header.count());
        NativeMemory.copy(NativeMemory.addressOf(pages), target.hostAddressOf(first), plainBytes);
        ByteBuffer body = body(header, bytes);
        int at = body.position();
        int end = at + header.bodyLength();
        for (int i = 0; i < header.count(); i++) {
            try {
                int length = PageDelta.varint(body, at, end);
                at += PageDelta.varintBytes(length);
                if (length > end - at) {
                    throw new ProtocolException(name(header, first + i, 1) + ": its delta is cut off");
                }
                PageDelta.apply(body, at, length, pages, i << pageShift, 1 << pageShift);
                at += length;
            } catch (CorruptPageException e) {
                throw new ProtocolException(name(header, first + i, 1) + ": corrupt, " + e.getMessage());
            }
        }
        if (at != end) {
            throw new ProtocolException(
                    name(header, first, header.count()) + ": " + (end - at) + " bytes after the last delta");
        }
        return wrapped.setIndex(0, plainBytes);
    }

    /** The body as the codecs take it; its position is its first byte. */
    private static ByteBuffer body(FrameHeader header, ByteBuf bytes) {
        return bytes.internalNioBuffer(bytes.readerIndex(), header.bodyLength());
    }

    private static String name(FrameHeader header, long first, int count) {
        return header.type() + " frame for region " + header.region()
                + (count == 1 ? ", page " + first : ", pages " + first + " to " + (first + count - 1));
    }

    private int makeRoom(int count) {
        int bytes = count << pageShift;
        if (bytes > pages.capacity()) {
            pages = ByteBuffer.allocateDirect(Integer.highestOneBit(2 * count - 1) << pageShift);
            wrapped = Unpooled.wrappedBuffer(pages);
        }
        return bytes;
    }

    /** Frees what decompresses; nothing is decoded any more. Idempotent. */
    @Override
    public void close() {
        unpackers.values().forEach(PageUnpacker::close);
    }
}
