package org.userload.trace;

import java.util.Locale;

/** How a trace is written down. Compression (gzip, zstd) is orthogonal and always recognised by content. */
public enum TraceFormat {
    /** Reading: recognise the format by content. Writing: take it from the file name. */
    AUTO,
    /** What {@code valgrind --tool=lackey --trace-mem=yes} prints. Can be read, not written. */
    LACKEY,
    /** Text, one {@code op,address,size} a line. */
    CSV,
    /** The compact binary format, laid out in {@link UltLayout}. */
    ULT;

    /** The name used on the command line: {@code auto}, {@code lackey}, {@code csv} or {@code ult}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
