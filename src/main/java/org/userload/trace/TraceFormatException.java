package org.userload.trace;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A trace file that does not hold what its format promises. The message says where, what was found, what was expected. */
public final class TraceFormatException extends IOException {
    private static final int MAX_QUOTED_CHARS = 60;

    private final String file;
    private final String location;
    private final String found;
    private final String expected;

    /**
     * @param file name of the input
     * @param location where in it: "line 12", "offset 4711", or empty when the whole file is meant
     * @param found what is there
     * @param expected what should be there
     * @param cause the failure below, if there is one
     */
    TraceFormatException(String file, String location, String found, String expected, @Nullable Throwable cause) {
        super(file + ": " + (location.isEmpty() ? "" : location + ": ") + "found " + found + ", expected " + expected);
        this.file = file;
        this.location = location;
        this.found = found;
        this.expected = expected;
        if (cause != null) {
            initCause(cause);
        }
    }

    TraceFormatException(String file, String location, String found, String expected) {
        this(file, location, found, expected, null);
    }

    /** Name of the input. */
    public String file() {
        return file;
    }

    /** "line N" (from 1) in text formats, "offset N" (from 0, after decompression) in binary ones, or empty. */
    public String location() {
        return location;
    }

    /** What was found there. */
    public String found() {
        return found;
    }

    /** What was expected there. */
    public String expected() {
        return expected;
    }

    /** Text from a file, shortened and made printable. */
    static String quote(byte[] bytes, int start, int end) {
        StringBuilder text = new StringBuilder("\"");
        int stop = Math.min(end, start + MAX_QUOTED_CHARS);
        for (int i = start; i < stop; i++) {
            int b = bytes[i] & 0xff;
            text.append(b >= 0x20 && b < 0x7f ? (char) b : '?');
        }
        return text.append(stop < end ? "...\"" : "\"").toString();
    }
}
