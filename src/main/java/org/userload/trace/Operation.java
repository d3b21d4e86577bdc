package org.userload.trace;

/**
 * What one access does. The codes are those of {@code .ult} files, packed traces and trace
 * fingerprints: they never change.
 */
public enum Operation {
    /** Reads the bytes. */
    READ(0),
    /** Writes the bytes. */
    WRITE(1),
    /** Reads the bytes, then writes them: {@code add [address], 1}. */
    MODIFY(2),
    /** Reads the bytes as an instruction. Replayed exactly like {@link #READ}. */
    FETCH(3);

    private static final Operation[] BY_CODE = {READ, WRITE, MODIFY, FETCH};

    private final int code;

    Operation(int code) {
        this.code = code;
    }

    /** The stable code, 0 to 3. */
    public int code() {
        return code;
    }

    /** The operation with this code; only the two lowest bits are looked at. */
    static Operation ofCode(int code) {
        return BY_CODE[code & 3];
    }

    /** Whether the access reads, alone or before it writes. */
    public boolean reads() {
        return this != WRITE;
    }

    /** Whether the access writes, alone or after it has read. */
    public boolean writes() {
        return this == WRITE || this == MODIFY;
    }
}
