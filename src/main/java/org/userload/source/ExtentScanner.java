package org.userload.source;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Finds where a sparse file has data. {@link org.userload.linux.SparseFile} asks the file
 * system; {@link #NONE} takes the whole file for data, which is slower but as correct, because holes
 * read as zero bytes.
 */
@FunctionalInterface
public interface ExtentScanner {
    /** Takes the whole file for data. */
    ExtentScanner NONE = (file, sizeBytes) -> new long[] {0, sizeBytes};

    /**
     * The extents of a file that may hold data; every byte outside them reads as zero.
     *
     * @param file a regular file
     * @param sizeBytes its size in bytes
     * @return begin (inclusive) and end (exclusive) of each extent in bytes, one after the other, ascending, within the
     *     file: {@code [begin0, end0, begin1, end1, ...]}; empty if the file is one hole
     * @throws IOException if the file system cannot tell
     */
    long[] dataExtents(Path file, long sizeBytes) throws IOException;
}
