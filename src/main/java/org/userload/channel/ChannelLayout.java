package org.userload.channel;

/**
 * The bytes of a frame on the channel: a header of 16 bytes and a body. Numbers are unsigned, in network byte order.
 *
 * <pre>
 *   0       2      3        4      6      8             12           16
 *   +-------+------+--------+------+------+-------------+------------+--------
 *   | magic | kind | flags  | port | type | body length | reserved   | body ...
 *   | u16   | u8   | u8, 0  | u16  | u16  | u32 bytes   | u32, 0     |
 *   +-------+------+--------+------+------+-------------+------------+--------
 *
 *   body of OPEN:     u16 lowest version, u16 highest version, name in ASCII
 *   body of OPENED:   u16 version
 *   body of REFUSED:  u16 reason
 * </pre>
 */
public final class ChannelLayout {
    public static final int MAGIC_OFFSET = 0;
    public static final int KIND_OFFSET = 2;
    public static final int FLAGS_OFFSET = 3;
    public static final int PORT_OFFSET = 4;
    public static final int TYPE_OFFSET = 6;
    public static final int BODY_LENGTH_OFFSET = 8;
    public static final int RESERVED_OFFSET = 12;

    /** Bytes of a header. */
    public static final int HEADER_BYTES = 16;

    /** "UG" */
    public static final int MAGIC = 0x5547;

    /** Guest to host: opens a port under a number that the guest chooses. */
    public static final int OPEN = 1;

    /** Host to guest: the port is open. */
    public static final int OPENED = 2;

    /** Host to guest: the port is not open. */
    public static final int REFUSED = 3;

    /** Either way: the port is closed; answered by CLOSE from whoever has not sent one. */
    public static final int CLOSE = 4;

    /** Either way: a message of an open port. */
    public static final int MESSAGE = 5;

    public static final int LOWEST_VERSION_OFFSET = 0;
    public static final int HIGHEST_VERSION_OFFSET = 2;
    public static final int NAME_OFFSET = 4;

    /** Bytes of the body of OPENED and REFUSED. */
    public static final int ANSWER_BYTES = 2;

    /** Most bytes of a body. */
    public static final int MAX_BODY_BYTES = 1 << 16;

    /** Most characters of a port's name: letters, digits, dot, hyphen, underscore. */
    public static final int MAX_NAME_CHARS = 64;

    /** Largest number of a port, type or version. */
    public static final int MAX_U16 = 0xFFFF;

    private ChannelLayout() {}

    static boolean isName(String name) {
        return !name.isEmpty()
                && name.length() <= MAX_NAME_CHARS
                && name.chars().allMatch(ChannelLayout::isNameChar);
    }

    private static boolean isNameChar(int c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c == '.'
                || c == '-'
                || c == '_';
    }
}
