package org.userload.protocol;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** Takes what {@link FrameReader} reads. Called on the connection's event loop. */
public interface FrameSink {
    /** A whole frame that is not page content. The body's reader index is at its first byte; valid during the call. */
    void frame(FrameHeader header, ByteBuf body);

    /**
     * The header of a PAGES, PACKED or DELTA frame; check it here, before anything of its body is kept. The content of
     * PAGES follows in calls of {@link #content}, in order, that of the others in one of {@link #encoded}.
     */
    void pages(FrameHeader header);

    /**
     * Whole pages of the current PAGES frame, as many as have arrived in one piece.
     *
     * @param firstPage index of the first of them
     * @param count at least 1
     * @param bytes their content from the reader index on, direct memory, valid during the call
     */
    void content(FrameHeader header, long firstPage, int count, ByteBuf bytes);

    /**
     * Where all the content of the PAGES frame shall be put together that {@link #pages} was just told of, before it is
     * handed to {@link #content} in one piece. Content that was received at its place in this very buffer is not copied.
     *
     * @return a buffer; the content begins {@link FrameLayout#HEADER_BYTES} behind its first byte. Null to have content
     *     handed on as it comes
     */
    default @Nullable ByteBuf gather(FrameHeader header) {
        return null;
    }

    /**
     * The body of the current PACKED or DELTA frame.
     *
     * @param bytes the body, {@link FrameHeader#bodyLength} bytes from the reader index on, and maybe more behind it;
     *     direct memory, valid during the call
     */
    void encoded(FrameHeader header, ByteBuf bytes);
}
