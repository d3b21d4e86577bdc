package org.userload.trace;

/** A CPU state that is damaged, of another version, or of another replay. */
public final class CpuStateException extends IllegalArgumentException {
    CpuStateException(String found, String expected) {
        super("found " + found + ", expected " + expected);
    }
}
