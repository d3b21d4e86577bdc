package org.userload.trace;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Writes {@code op,address,size} lines after a header line, addresses in hexadecimal. */
final class CsvWriter implements TraceWriter {
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int MAX_LINE_BYTES = 32;
    private static final byte[] LETTERS = {'R', 'W', 'M', 'I'};
    private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private final OutputStream out;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int used;
    private boolean finished;
    private long accesses;

    CsvWriter(OutputStream out) {
        this.out = out;
        byte[] header = (CsvReader.HEADER + "\n").getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(header, 0, buffer, 0, header.length);
        used = header.length;
    }

    @Override
    public void write(Operation operation, long address, int sizeBytes) throws IOException {
        Access.check(address, sizeBytes);
        if (finished) {
            throw new IllegalStateException("the trace is finished");
        }
        if (buffer.length - used < MAX_LINE_BYTES) {
            flushBuffer();
        }
        put(LETTERS[operation.code()]);
        put((byte) ',');
        put((byte) '0');
        put((byte) 'x');
        int shift = address == 0 ? 0 : (63 - Long.numberOfLeadingZeros(address)) & ~3;
        for (; shift >= 0; shift -= 4) {
            put(DIGITS[(int) (address >>> shift) & 0xf]);
        }
        put((byte) ',');
        putDecimal(sizeBytes);
        put((byte) '\n');
        accesses++;
    }

    private void putDecimal(int number) {
        if (number >= 10) {
            putDecimal(number / 10);
        }
        put(DIGITS[number % 10]);
    }

    private void put(byte b) {
        buffer[used++] = b;
    }

    private void flushBuffer() throws IOException {
        out.write(buffer, 0, used);
        used = 0;
    }

    @Override
    public long accessCount() {
        return accesses;
    }

    @Override
    public void finish() throws IOException {
        if (accesses == 0) {
            throw new IllegalStateException("a trace needs at least one access");
        }
        finished = true;
        flushBuffer();
        out.flush();
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
