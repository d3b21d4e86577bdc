package org.userload.trace;

/**
 * Reads what {@code valgrind --tool=lackey --trace-mem=yes} prints:
 *
 * <pre>
 * ==4711== Lackey, an example Valgrind tool     skipped, like every line that starts with ==, -- or **
 * I  0401ab70,3                                 instruction fetch: hexadecimal address, decimal size
 *  S 1fff000748,8                               store
 *  L 04222cac,1                                 load
 *  M 0421c7cc,4                                 modify
 * </pre>
 *
 * <p>Traces without instruction lines and with blank lines are fine. A last line without a line feed means that the
 * file was cut, and is refused.
 */
final class LackeyReader extends LineReader {
    private static final int ADDRESS_COLUMN = 3;
    private static final String LINE_EXPECTED =
            "a lackey line such as \" L 1fff000748,8\" or \"I  0401ab70,3\", or one that starts with ==";

    LackeyReader(LineInput lines) {
        super(lines, LINE_EXPECTED, "at least one lackey access line");
    }

    /** The operation of an access line, by its first two characters; -1 if it is none. */
    static int operationCode(byte first, byte second) {
        if (first == 'I' && second == ' ') {
            return 3;
        }
        if (first != ' ') {
            return -1;
        }
        return switch (second) {
            case 'L' -> 0;
            case 'S' -> 1;
            case 'M' -> 2;
            default -> -1;
        };
    }

    /** Whether Valgrind itself, not lackey's trace, wrote a line that starts with these two characters. */
    static boolean isCommentary(byte first, byte second) {
        return first == second && (first == '=' || first == '-' || first == '*');
    }

    @Override
    boolean parse(byte[] bytes, int start, int end) throws TraceFormatException {
        if (end == start || (end - start >= 2 && isCommentary(bytes[start], bytes[start + 1]))) {
            return false;
        }
        int code = end - start > ADDRESS_COLUMN && bytes[start + 2] == ' '
                ? operationCode(bytes[start], bytes[start + 1])
                : -1;
        if (code < 0) {
            throw notAnAccess();
        }
        if (!lines.isTerminated()) {
            throw lines.lineError("a line feed after the last line (the file seems to be cut off)");
        }
        int at = start + ADDRESS_COLUMN;
        long address = 0;
        for (int digit; at < end && (digit = Access.hexDigit(bytes[at])) >= 0; at++) {
            address = (address << 4) | digit;
        }
        int digits = at - start - ADDRESS_COLUMN;
        if (digits == 0 || digits > Access.MAX_HEX_DIGITS) {
            throw lines.lineError("a hexadecimal address below 2^64");
        }
        if (at == end || bytes[at] != ',') {
            throw lines.lineError("a comma and a size after the address");
        }
        access(code, address, Access.parseSize(lines, at + 1, end));
        return true;
    }
}
