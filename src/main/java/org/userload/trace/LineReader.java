package org.userload.trace;

import java.io.IOException;

/** Reads a trace that has one access a line. */
abstract sealed class LineReader extends TraceReader permits CsvReader, LackeyReader {
    /** The line being read. */
    final LineInput lines;

    private final String accessExpected;
    private final String lineExpected;

    /**
     * @param lineExpected what a line looks like, for errors
     * @param accessExpected what a trace has at least, for errors
     */
    LineReader(LineInput lines, String lineExpected, String accessExpected) {
        this.lines = lines;
        this.accessExpected = accessExpected;
        this.lineExpected = lineExpected;
    }

    @Override
    public final boolean next() throws IOException {
        while (lines.next()) {
            if (parse(lines.bytes(), lines.start, lines.end)) {
                return true;
            }
        }
        if (accessCount() == 0) {
            throw noAccess(lines.file(), accessExpected);
        }
        return false;
    }

    /**
     * Reads the current line, bytes {@code start} to {@code end}, and gives its access to {@link #access}.
     *
     * @return false if it is one of the lines that are skipped
     */
    abstract boolean parse(byte[] bytes, int start, int end) throws TraceFormatException;

    /** The access of the current line, whose size has been checked. */
    final void access(int operationCode, long address, int sizeBytes) throws TraceFormatException {
        if (!Access.fits(address, sizeBytes)) {
            throw lines.lineError(Access.END_EXPECTED);
        }
        found(Operation.ofCode(operationCode), address, sizeBytes);
    }

    /** An error about a line that is no access line. */
    final TraceFormatException notAnAccess() {
        return lines.lineError(lineExpected);
    }

    @Override
    public final void close() throws IOException {
        lines.close();
    }
}
