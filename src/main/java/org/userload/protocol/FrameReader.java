package org.userload.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a byte stream into frames, however it was split on the way.
 *
 * <p>Page content is handed on straight from the receive buffer, as many whole pages as there are in one piece; only a
 * page that straddles two buffers is put together in a buffer of one page. So bytes are copied once, by the install; or
 * not at all, when the sink has the content of a frame gathered and it is received where that is.
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

    /** Where the content of the current frame is put together, and how much of it is there. */
    private @Nullable ByteBuf gathering;

    private int gathered;

    private State state = State.HEADER;
    private int remaining;
    private long nextPage;

    private enum State {
        HEADER,
        BODY,
        CONTENT,
        GATHERED,
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
                case GATHERED -> gather(in);
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
            gathering = sink.gather(header);
            gathered = 0;
            state = gathering == null ? State.CONTENT : State.GATHERED;
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

    /** What lies where it belongs already is left there; anything else is moved towards the buffer's begin, if it is in it. */
    @SuppressWarnings("ReferenceEquality") // the question is whether it is this very buffer
    private void gather(ByteBuf in) {
        ByteBuf place = Objects.requireNonNull(gathering);
        int piece = Math.min(in.readableBytes(), remaining);
        int at = FrameLayout.HEADER_BYTES + gathered;
        if (in != place || in.readerIndex() != at) {
            place.setBytes(at, in, in.readerIndex(), piece);
        }
        in.skipBytes(piece);
        gathered += piece;
        remaining -= piece;
        if (remaining == 0) {
            gathering = null;
            state = State.HEADER;
            ByteBuf content = place.slice(FrameLayout.HEADER_BYTES, gathered);
            sink.content(header, nextPage, gathered / pageBytes, content);
        }
    }

    /**
     * Where the next bytes should be received in a buffer to which content is gathered, so that content which comes next is
     * at its place: in the middle of such a frame or before a header.
     *
     * @return the index, or -1 in the middle of any other frame
     */
    public int gatherIndex() {
        return switch (state) {
            case HEADER -> partialHeader.readableBytes();
            case GATHERED -> FrameLayout.HEADER_BYTES + gathered;
            default -> -1;
        };
    }

    /** Whether the content of the current frame is being put together. */
    public boolean isGathering() {
        return state == State.GATHERED;
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
