package org.userload.linux;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/** Where a sparse file has data, by {@code lseek(SEEK_DATA)} and {@code lseek(SEEK_HOLE)}. */
public final class SparseFile {
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final int ENXIO = 6;

    private SparseFile() {}

    /**
     * The extents of a file that may hold data; everything else reads as zeros.
     *
     * @param sizeBytes size of the file in bytes
     * @return begin (inclusive) and end (exclusive) of each extent in bytes, ascending, one after the other
     * @throws IOException when the file cannot be opened or its file system cannot tell
     */
    public static long[] dataExtents(Path file, long sizeBytes) throws IOException {
        int fd = LibC.C.open(file.toString(), UffdLayout.O_CLOEXEC);
        if (fd < 0) {
            throw new IOException(file + ": open: " + Errno.describe(LibC.errno()));
        }
        try {
            long[] extents = new long[16];
            int used = 0;
            long begin = seek(fd, 0, SEEK_DATA, file);
            while (begin >= 0 && begin < sizeBytes) {
                long end = Math.min(seek(fd, begin, SEEK_HOLE, file), sizeBytes);
                if (used == extents.length) {
                    extents = Arrays.copyOf(extents, used * 2);
                }
                extents[used++] = begin;
                extents[used++] = end;
                begin = end < sizeBytes ? seek(fd, end, SEEK_DATA, file) : sizeBytes;
            }
            return Arrays.copyOf(extents, used);
        } finally {
            LibC.C.close(fd);
        }
    }

    /** The offset found, or -1 when there is no data any more. */
    private static long seek(int fd, long from, int whence, Path file) throws IOException {
        long found = LibC.C.lseek(fd, from, whence);
        if (found >= 0) {
            return found;
        }
        int errno = LibC.errno();
        if (errno == ENXIO && whence == SEEK_DATA) {
            return -1;
        }
        throw new IOException(file + ": lseek: " + Errno.describe(errno));
    }
}
