package org.userload.protocol;

import io.netty.buffer.ByteBuf;

/** Takes what {@link FrameReader} reads. Called on the connection's event loop. */
public interface FrameSink {
    /** A whole frame that is not page content. The body's reader index is at its first byte; valid during the call. */
    void frame(FrameHeader header, ByteBuf body);

    /**
     * The header of a PAGES frame; check it here. Its content follows in calls of {@link #content}, in order.
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
}
