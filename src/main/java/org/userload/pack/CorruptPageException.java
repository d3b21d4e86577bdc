package org.userload.pack;

/** Packed bytes are not what they should be. */
public final class CorruptPageException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CorruptPageException(String message) {
        super(message);
    }
}
