package org.userload.trace;

import java.io.Closeable;
import java.io.IOException;

/**
 * The lines of a text trace, found in place: line {@link #line()} is bytes {@code start} to {@code end} of
 * {@link #bytes()}, without its line feed or carriage return. Used by one thread.
 */
final class LineInput implements Closeable {
    int start;
    int end;

    private final ByteInput in;
    private long line;
    private boolean terminated;

    LineInput(ByteInput in) {
        this.in = in;
    }

    /**
     * Moves to the next line.
     *
     * @return false at the end of the input
     */
    boolean next() throws IOException {
        line++;
        int scanned = 0;
        while (true) {
            byte[] bytes = in.bytes;
            for (int i = in.start + scanned, limit = in.end; i < limit; i++) {
                if (bytes[i] == '\n') {
                    take(i, true);
                    in.start = i + 1;
                    return true;
                }
            }
            scanned = in.available();
            if (!in.fill()) {
                return lastLine();
            }
        }
    }

    private boolean lastLine() throws IOException {
        if (in.available() == ByteInput.WINDOW_BYTES) {
            take(in.end, false);
            throw error("a line longer than " + (ByteInput.WINDOW_BYTES - 1) + " bytes", "a text trace");
        }
        if (in.available() == 0) {
            return false;
        }
        take(in.end, false);
        in.start = in.end;
        return true;
    }

    private void take(int lineEnd, boolean withLineFeed) {
        start = in.start;
        end = lineEnd > start && in.bytes[lineEnd - 1] == '\r' ? lineEnd - 1 : lineEnd;
        terminated = withLineFeed;
    }

    byte[] bytes() {
        return in.bytes;
    }

    /** Number of the current line, from 1. */
    long line() {
        return line;
    }

    /** Whether the current line ends with a line feed rather than with the file. */
    boolean isTerminated() {
        return terminated;
    }

    String file() {
        return in.file();
    }

    TraceFormatException error(String found, String expected) {
        return new TraceFormatException(file(), "line " + line, found, expected);
    }

    /** An error about the current line, which is quoted. */
    TraceFormatException lineError(String expected) {
        return error(TraceFormatException.quote(bytes(), start, end), expected);
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
