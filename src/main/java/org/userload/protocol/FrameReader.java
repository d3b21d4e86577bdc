package org.userload.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;

/**
 * Cuts a byte stream into frames, however it was split on the way.
 *
 * <p>Page content is handed on straight from the receive buffer, as many whole pages as there are in one piece; only a
 * page that straddles two buffers is put together in a buffer of one page. So bytes are copied once, by the install.
 *
 * <p>One reader per connection, used by its event loop only. {@link #close} frees its buffers.
 */
public final class FrameReader implements AutoCloseable {
    private final FrameSink sink;
    private final FrameHeader header = new FrameHeader();
    private final ByteBuf partialHeader = Unpooled.buffer(FrameLayout.HEADER_BYTES, FrameLayout.HEADER_BYTES);
    private ByteBuf partialBody = Unpooled.EMPTY_BUFFER;
    private final ByteBuf partialPage;

    /** Encoded content that straddles buffers; used again, and grows as far as it has to. */
    private ByteBuf partialEncoded = Unpooled.EMPTY_BUFFER;

    private final int pageBytes;

    private State state = State.HEADER;
    private int remaining;
    private long nextPage;

    private enum State {
        HEADER,
        BODY,
        CONTENT,
        ENCODED
    }

    /** @param pageBytes page size in bytes of the session */
    public FrameReader(int pageBytes, FrameSink sink) {
        this.sink = sink;
        this.pageBytes = pageBytes;
        // The garbage collector's memory: a loop that ends may never close its readers.
        this.partialPage =
                Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(pageBytes)).clear();
    }

    /** Reads everything in the buffer; does not release it. */
    public void read(ByteBuf in) {
        while (in.isReadable() || (state != State.HEADER && remaining == 0)) {
            switch (state) {
                case HEADER -> readHeader(in);
                case BODY -> readBody(in);
                case CONTENT -> readContent(in);
                case ENCODED -> readEncoded(in);
            }
        }
    }

    private void readHeader(ByteBuf in) {
        if (partialHeader.isReadable() || in.readableBytes() < FrameLayout.HEADER_BYTES) {
            in.readBytes(partialHeader, Math.min(in.readableBytes(), partialHeader.writableBytes()));
            if (partialHeader.isWritable()) {
                return;
            }
            header.decode(partialHeader);
            partialHeader.clear();
        } else {
            header.decode(in);
        }
        remaining = header.bodyLength();
        if (header.type() == FrameType.PAGES) {
            sink.pages(header);
            if (remaining == 0 || remaining % pageBytes != 0) {
                throw new ProtocolException("PAGES frame of " + remaining + " bytes");
            }
            nextPage = header.firstPage();
            state = State.CONTENT;
        } else if (header.type().isEncodedContent()) {
            sink.pages(header);
            state = State.ENCODED;
        } else {
            state = State.BODY;
        }
    }

    private void readBody(ByteBuf in) {
        if (partialBody.isReadable() || in.readableBytes() < remaining) {
            if (!partialBody.isReadable()) {
                partialBody.release();
                partialBody = Unpooled.buffer(remaining, remaining);
                partialBody.setIndex(0, 0);
            }
            int piece = Math.min(in.readableBytes(), remaining);
            partialBody.writeBytes(in, piece);
            remaining -= piece;
            if (remaining > 0) {
                return;
            }
            state = State.HEADER;
            sink.frame(header, partialBody);
            partialBody.clear();
        } else {
            int next = in.readerIndex() + remaining;
            ByteBuf body = remaining == 0 ? Unpooled.EMPTY_BUFFER : in.slice(in.readerIndex(), remaining);
            remaining = 0;
            state = State.HEADER;
            sink.frame(header, body);
            in.readerIndex(next);
        }
    }

    private void readContent(ByteBuf in) {
        if (partialPage.isReadable() || in.readableBytes() < pageBytes) {
            in.readBytes(partialPage, Math.min(in.readableBytes(), partialPage.writableBytes()));
            if (partialPage.isWritable()) {
                return;
            }
            deliver(1, partialPage);
            partialPage.clear();
        } else {
            int pages = Math.min(in.readableBytes(), remaining) / pageBytes;
            int next = in.readerIndex() + pages * pageBytes;
            deliver(pages, in);
            in.readerIndex(next);
        }
    }

    private void readEncoded(ByteBuf in) {
        if (!partialEncoded.isReadable() && in.readableBytes() >= remaining) {
            int next = in.readerIndex() + remaining;
            remaining = 0;
            state = State.HEADER;
            sink.encoded(header, in);
            in.readerIndex(next);
            return;
        }
        if (!partialEncoded.isReadable()) {
            partialEncoded = emptied(partialEncoded, remaining);
        }
        int piece = Math.min(in.readableBytes(), remaining);
        partialEncoded.writeBytes(in, piece);
        remaining -= piece;
        if (remaining == 0) {
            state = State.HEADER;
            sink.encoded(header, partialEncoded);
            partialEncoded.clear();
        }
    }

    private static ByteBuf emptied(ByteBuf buffer, int capacity) {
        if (buffer.capacity() >= capacity) {
            return buffer.clear();
        }
        buffer.release();
        int rounded = Integer.highestOneBit(capacity - 1) << 1;
        return Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(rounded)).clear();
    }

    private void deliver(int pages, ByteBuf bytes) {
        sink.content(header, nextPage, pages, bytes);
        nextPage += pages;
        remaining -= pages * pageBytes;
        if (remaining == 0) {
            state = State.HEADER;
        }
    }

    @Override
    public void close() {
        partialHeader.release();
        partialBody.release();
        partialPage.release();
        partialEncoded.release();
    }
}
