package org.userload.source;

import org.userload.linux.SparseFile;
import org.userload.memory.PageSize;

/**
 * How {@link PageSources#open} opens an image.
 *
 * @param rawPageSize page size of a raw image, which does not say so itself; a {@code .uli} image does
 * @param cacheBytes how much heap the decompressed blocks of a {@code .uli} image may take, 0 or more
 * @param extents tells where a raw image has holes
 */
public record OpenOptions(PageSize rawPageSize, long cacheBytes, ExtentScanner extents) {
    /** 4 KiB pages, a cache of 64 MiB, holes as the file system tells them. */
    public static final OpenOptions DEFAULT = new OpenOptions(PageSize.DEFAULT, 64L << 20, SparseFile::dataExtents);

    public OpenOptions {
        if (cacheBytes < 0) {
            throw new IllegalArgumentException("cacheBytes must not be negative: " + cacheBytes);
        }
    }
}
