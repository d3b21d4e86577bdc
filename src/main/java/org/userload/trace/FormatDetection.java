package org.userload.trace;

import java.io.IOException;

/** Tells the trace formats apart by what the first window of decompressed bytes holds. */
final class FormatDetection {
    private static final String EXPECTED =
            "a .ult trace (\"userload\"), lackey lines (\" L 1fff000748,8\") " + "or CSV lines (\"R,0x1fff000748,8\")";

    private FormatDetection() {}

    /** The format of what {@code in} holds, of which nothing is consumed. */
    static TraceFormat detect(ByteInput in) throws IOException {
        in.require(ByteInput.WINDOW_BYTES);
        if (in.available() == 0) {
            throw new TraceFormatException(in.file(), "", "an empty file", "a trace");
        }
        if (startsWithMagic(in)) {
            return TraceFormat.ULT;
        }
        int line = 1;
        int start = in.start;
        while (start < in.end) {
            int end = lineEnd(in, start);
            TraceFormat format = formatOfLine(in.bytes, start, end);
            if (format != TraceFormat.AUTO) {
                return format;
            }
            if (!isNeutral(in.bytes, start, end)) {
                throw new TraceFormatException(
                        in.file(), "line " + line, TraceFormatException.quote(in.bytes, start, end), EXPECTED);
            }
            start = end + 1;
            line++;
        }
        throw new TraceFormatException(in.file(), "", "no line that tells the format", EXPECTED);
    }

    private static boolean startsWithMagic(ByteInput in) {
        for (int i = 0; i < Long.BYTES; i++) {
            boolean cutOff = i == in.available() && i > 0;
            if (cutOff || (i < in.available() && in.bytes[in.start + i] != (byte) (UltLayout.MAGIC >>> (8 * i)))) {
                return cutOff;
            }
        }
        return true;
    }

    private static int lineEnd(ByteInput in, int start) {
        int end = start;
        while (end < in.end && in.bytes[end] != '\n') {
            end++;
        }
        return end;
    }

    /** The format a line belongs to; AUTO if it could be in more than one, or in none. */
    private static TraceFormat formatOfLine(byte[] bytes, int lineStart, int end) {
        if (end - lineStart < 2) {
            return bytes[lineStart] == '#' ? TraceFormat.CSV : TraceFormat.AUTO;
        }
        byte first = bytes[lineStart];
        byte second = bytes[lineStart + 1];
        if (LackeyReader.isCommentary(first, second)) {
            return TraceFormat.LACKEY;
        }
        if (LackeyReader.operationCode(first, second) >= 0 && end - lineStart > 2 && bytes[lineStart + 2] == ' ') {
            return TraceFormat.LACKEY;
        }
        int start = CsvReader.skipBlanks(bytes, lineStart, end);
        if (start == end) {
            return TraceFormat.AUTO;
        }
        if (bytes[start] == '#' || CsvReader.startsWithHeader(bytes, start, end)) {
            return TraceFormat.CSV;
        }
        int comma = CsvReader.skipBlanks(bytes, start + 1, end);
        boolean fields = comma < end && bytes[comma] == ',';
        return fields && CsvReader.operationCode(bytes[start]) >= 0 ? TraceFormat.CSV : TraceFormat.AUTO;
    }

    /** Whether both text formats skip the line: it is blank. */
    private static boolean isNeutral(byte[] bytes, int start, int end) {
        for (int i = start; i < end; i++) {
            if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r') {
                return false;
            }
        }
        return true;
    }
}
