/* traffic PINGS KIB: each second PINGS echo requests to the gateway and KIB KiB of new content to
 * the data disk.
 *
 * One process that sleeps: to start programs each second takes an emulated guest more processor
 * time than what they do. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/ip_icmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 1400, KIB = 1024 };

static uint16_t checksum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;
    for (size_t at = 0; at + 1 < length; at += 2)
        sum += (uint32_t)bytes[at] << 8 | bytes[at + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static void ping(int socket_, int times)
{
    static uint16_t sequence;
    uint8_t packet[sizeof(struct icmphdr) + PAYLOAD] = {0}, answer[2 * sizeof packet];
    struct sockaddr_in gateway = {.sin_family = AF_INET};
    inet_pton(AF_INET, "10.0.2.2", &gateway.sin_addr);
    for (int nth = 0; nth < times; nth++) {
        struct icmphdr *header = (struct icmphdr *)packet;
        memset(header, 0, sizeof *header);
        header->type = ICMP_ECHO;
        header->un.echo.id = htons((uint16_t)getpid());
        header->un.echo.sequence = htons(++sequence);
        header->checksum = checksum(packet, sizeof packet);
        /* There may be no network yet, or no more: the next second is another chance. */
        sendto(socket_, packet, sizeof packet, 0, (struct sockaddr *)&gateway, sizeof gateway);
    }
    while (recv(socket_, answer, sizeof answer, MSG_DONTWAIT) > 0)
        ;
}

static void write_anew(size_t length)
{
    static uint8_t block[64 * KIB];
    int file = open("/data/journal", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    while (file >= 0 && length > 0) {
        size_t part = length < sizeof block ? length : sizeof block;
        if (getrandom(block, part, 0) < 0 || write(file, block, part) != (ssize_t)part)
            break; /* the disk is full, or in error: so it stays for those who look */
        length -= part;
    }
    if (file >= 0) {
        fsync(file);
        close(file);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: traffic PINGS KIB\n");
        return 2;
    }
    int pings = atoi(argv[1]), kib = atoi(argv[2]);
    int socket_ = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    for (;;) {
        if (pings > 0 && socket_ >= 0)
            ping(socket_, pings);
        if (kib > 0)
            write_anew((size_t)kib * KIB);
        sleep(1);
    }
}
