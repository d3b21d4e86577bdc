package org.userload.trace;

import com.github.luben.zstd.ZstdIOException;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.ZipException;

/**
 * Decompressed bytes of a trace in a window that its readers parse in place.
 *
 * <p>Bytes {@code start} to {@code end} of {@code bytes} are read but not consumed yet. Used by one thread.
 */
final class ByteInput implements Closeable {
    static final int WINDOW_BYTES = 1 << 16;

    final byte[] bytes = new byte[WINDOW_BYTES];
    int start;
    int end;

    private final String file;
    private final InputStream in;
    private long windowOffset;
    private boolean atEnd;

    ByteInput(String file, InputStream in) {
        this.file = file;
        this.in = in;
    }

    String file() {
        return file;
    }

    /** Offset of {@code start} in the decompressed file. */
    long offset() {
        return windowOffset + start;
    }

    int available() {
        return end - start;
    }

    /**
     * Reads more, keeping what is not consumed.
     *
     * @return false if the input has ended or the window is full
     */
    boolean fill() throws IOException {
        if (atEnd) {
            return false;
        }
        if (start > 0) {
            System.arraycopy(bytes, start, bytes, 0, end - start);
            windowOffset += start;
            end -= start;
            start = 0;
        }
        if (end == bytes.length) {
            return false;
        }
        int count = readSome();
        if (count < 0) {
            atEnd = true;
            return false;
        }
        end += count;
        return true;
    }

    /** Reads until {@code count} bytes are available, at most a window of them, or the input has ended. */
    boolean require(int count) throws IOException {
        while (end - start < count) {
            if (!fill()) {
                return false;
            }
        }
        return true;
    }

    /** The next byte, 0 to 255, or -1 at the end. */
    int read() throws IOException {
        if (start == end && !fill()) {
            return -1;
        }
        return bytes[start++] & 0xff;
    }

    private int readSome() throws IOException {
        try {
            int count;
            do {
                count = in.read(bytes, end, bytes.length - end);
            } while (count == 0);
            return count;
        } catch (EOFException | ZipException | ZstdIOException e) {
            throw new TraceFormatException(
                    file,
                    "offset " + (windowOffset + end) + " after decompression",
                    "damaged or truncated compressed data (" + e.getMessage() + ")",
                    "a complete gzip or zstd file",
                    e);
        }
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
