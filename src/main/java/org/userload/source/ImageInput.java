package org.userload.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.userload.memory.RegionTable;

/** The plain bytes of an image, in order, for the writer of a {@code .uli} file. Used by one thread. */
interface ImageInput {
    /** How many regions the image has; known from the start. */
    int regionCount();

    /** Size of a page in bytes. */
    int pageBytes();

    /**
     * Fills the buffer from its position on: up to its limit, or less at the end of the image; nothing means that the
     * end was reached before.
     */
    void fill(ByteBuffer block) throws IOException;

    /**
     * The regions, known once everything was read.
     *
     * @throws PageSourceException if what was read is no image
     */
    RegionTable regions();
}
