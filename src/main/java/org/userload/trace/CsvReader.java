package org.userload.trace;

/**
 * Reads comma-separated traces:
 *
 * <pre>
 * # comments and blank lines are skipped
 * op,address,size            an optional header, exactly these words
 * R,0x1fff000748,8           R read, W write, M modify, I instruction fetch; lower case is fine
 * W,137422176072,4           address in decimal, or in hexadecimal after 0x; size in decimal
 * </pre>
 *
 * <p>Spaces and tabs around a field are ignored. The last line needs no line feed.
 */
final class CsvReader extends LineReader {
    static final String HEADER = "op,address,size";

    private static final long MAX_BEFORE_NEXT_DIGIT = Long.divideUnsigned(-1L, 10);
    private static final String LINE_EXPECTED =
            "op,address,size with op one of R, W, M, I, such as \"R,0x1fff000748,8\"";
    private static final String ADDRESS_EXPECTED = "an address below 2^64, in decimal or in hexadecimal after 0x";

    private boolean headerAllowed = true;

    CsvReader(LineInput lines) {
        super(lines, LINE_EXPECTED, "at least one line " + LINE_EXPECTED);
    }

    @Override
    boolean parse(byte[] bytes, int lineStart, int lineEnd) throws TraceFormatException {
        int start = skipBlanks(bytes, lineStart, lineEnd);
        int end = trimBlanks(bytes, start, lineEnd);
        if (start == end || bytes[start] == '#') {
            return false;
        }
        if (headerAllowed) {
            headerAllowed = false;
            if (isHeader(bytes, start, end)) {
                return false;
            }
        }
        parseFields(bytes, start, end);
        return true;
    }

    private static boolean isHeader(byte[] bytes, int start, int end) {
        return end - start == HEADER.length() && startsWithHeader(bytes, start, end);
    }

    /** Whether the bytes begin with the words of the header, in any case. */
    static boolean startsWithHeader(byte[] bytes, int start, int end) {
        if (end - start < HEADER.length()) {
            return false;
        }
        for (int i = 0; i < HEADER.length(); i++) {
            byte b = bytes[start + i];
            int lower = b >= 'A' && b <= 'Z' ? b | 0x20 : b;
            if (lower != HEADER.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** The operation a letter stands for; -1 if none. */
    static int operationCode(byte letter) {
        return switch (letter) {
            case 'R', 'r' -> 0;
            case 'W', 'w' -> 1;
            case 'M', 'm' -> 2;
            case 'I', 'i' -> 3;
            default -> -1;
        };
    }

    private void parseFields(byte[] bytes, int start, int end) throws TraceFormatException {
        int code = operationCode(bytes[start]);
        int firstComma = skipBlanks(bytes, start + 1, end);
        if (code < 0 || firstComma == end || bytes[firstComma] != ',') {
            throw notAnAccess();
        }
        int secondComma = firstComma + 1;
        while (secondComma < end && bytes[secondComma] != ',') {
            secondComma++;
        }
        if (secondComma == end) {
            throw notAnAccess();
        }
        int addressStart = skipBlanks(bytes, firstComma + 1, secondComma);
        long address = parseAddress(bytes, addressStart, trimBlanks(bytes, addressStart, secondComma));
        access(code, address, Access.parseSize(lines, skipBlanks(bytes, secondComma + 1, end), end));
    }

    private long parseAddress(byte[] bytes, int start, int end) throws TraceFormatException {
        if (end - start > 2 && bytes[start] == '0' && (bytes[start + 1] | 0x20) == 'x') {
            return parseHex(bytes, start + 2, end);
        }
        if (start == end) {
            throw lines.lineError(ADDRESS_EXPECTED);
        }
        long value = 0;
        for (int i = start; i < end; i++) {
            int digit = bytes[i] - '0';
            long next = value * 10 + digit;
            boolean overflow = Long.compareUnsigned(value, MAX_BEFORE_NEXT_DIGIT) > 0
                    || (value == MAX_BEFORE_NEXT_DIGIT && digit > 5);
            if (digit < 0 || digit > 9 || overflow) {
                throw lines.lineError(ADDRESS_EXPECTED);
            }
            value = next;
        }
        return value;
    }

    private long parseHex(byte[] bytes, int start, int end) throws TraceFormatException {
        long value = 0;
        for (int i = start; i < end; i++) {
            int digit = Access.hexDigit(bytes[i]);
            if (digit < 0 || i - start >= Access.MAX_HEX_DIGITS) {
                throw lines.lineError(ADDRESS_EXPECTED);
            }
            value = (value << 4) | digit;
        }
        return value;
    }

    static int skipBlanks(byte[] bytes, int start, int end) {
        int i = start;
        while (i < end && (bytes[i] == ' ' || bytes[i] == '\t')) {
            i++;
        }
        return i;
    }

    private static int trimBlanks(byte[] bytes, int start, int end) {
        int i = end;
        while (i > start && (bytes[i - 1] == ' ' || bytes[i - 1] == '\t')) {
            i--;
        }
        return i;
    }
}
