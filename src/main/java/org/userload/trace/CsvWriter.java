package org.userload.trace;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Writes {@code op,address,size} lines after a header line, addresses in hexadecimal. */
final class CsvWriter extends TraceWriter {
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int MAX_LINE_BYTES = 32;
    private static final byte[] LETTERS = {'R', 'W', 'M', 'I'};
    private static final byte[] DIGITS = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int used;

    CsvWriter(OutputStream out) {
        super(out);
        byte[] header = (CsvReader.HEADER + "\n").getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(header, 0, buffer, 0, header.length);
        used = header.length;
    }

    @Override
    void append(Operation operation, long address, int sizeBytes) throws IOException {
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
    void end() throws IOException {
        flushBuffer();
    }
}
