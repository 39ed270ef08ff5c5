/*
 * The part of libsrtp 3's API that mediasoup's worker uses, over the distribution's libsrtp 2.
 *
 * C++ only: the functions below overload those of libsrtp 2 that carry the same name and take
 * other arguments, so no symbol is defined twice.
 */
#ifndef SLUICE_SRTP3_OVER_SRTP2_H
#define SLUICE_SRTP3_OVER_SRTP2_H

/* Version 2 calls a transparent struct by the name that version 3 gives to an opaque pointer. */
#define srtp_policy_t srtp2_policy_t
#include <srtp2/srtp.h>
#undef srtp_policy_t

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

/* Error codes that version 2 does not know. */
constexpr srtp_err_status_t srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
constexpr srtp_err_status_t srtp_err_status_cryptex_err = static_cast<srtp_err_status_t>(29);

namespace sluice_srtp
{
	struct Policy
	{
		srtp2_policy_t v2{};
		/* Master key followed by master salt, where v2.key points. */
		unsigned char key[SRTP_MAX_KEY_LEN]{};
	};

	/* Takes the key material off the stack or the heap even where the compiler sees no reader. */
	inline void Wipe(void* data, size_t len)
	{
		volatile unsigned char* byte = static_cast<volatile unsigned char*>(data);

		while (len-- > 0)
		{
			*byte++ = 0;
		}
	}

	/*
	 * Version 2 works in place and with int lengths: moves the packet into the output buffer first.
	 * `growth` is what the operation may add to it.
	 */
	inline srtp_err_status_t Place(
	  const uint8_t* in, size_t inLen, uint8_t* out, size_t outCapacity, size_t growth)
	{
		/* Bounded by a datagram's size, hence no overflow in the sum and a safe cast to int. */
		if (inLen > 65535)
		{
			return srtp_err_status_bad_param;
		}

		if (inLen + growth > outCapacity)
		{
			return srtp_err_status_buffer_small;
		}

		if (in != out)
		{
			std::memmove(out, in, inLen);
		}

		return srtp_err_status_ok;
	}

	template<typename Operation>
	srtp_err_status_t Run(
	  const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen, size_t growth, Operation operation)
	{
		const srtp_err_status_t placed = Place(in, inLen, out, *outLen, growth);

		if (placed != srtp_err_status_ok)
		{
			return placed;
		}

		int len = static_cast<int>(inLen);
		const srtp_err_status_t status = operation(static_cast<void*>(out), &len);

		if (status == srtp_err_status_ok)
		{
			*outLen = static_cast<size_t>(len);
		}

		return status;
	}
} // namespace sluice_srtp

using srtp_policy_t = sluice_srtp::Policy*;

inline srtp_err_status_t srtp_policy_create(srtp_policy_t* policy)
{
	*policy = new (std::nothrow) sluice_srtp::Policy();

	return *policy ? srtp_err_status_ok : srtp_err_status_alloc_fail;
}

inline void srtp_policy_destroy(srtp_policy_t policy)
{
	if (policy)
	{
		sluice_srtp::Wipe(policy->key, sizeof(policy->key));
	}

	delete policy;
}

inline srtp_err_status_t srtp_policy_set_ssrc(srtp_policy_t policy, srtp_ssrc_t ssrc)
{
	policy->v2.ssrc = ssrc;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_profile(srtp_policy_t policy, srtp_profile_t profile)
{
	const srtp_err_status_t status =
	  srtp_crypto_policy_set_from_profile_for_rtp(&policy->v2.rtp, profile);

	if (status != srtp_err_status_ok)
	{
		return status;
	}

	return srtp_crypto_policy_set_from_profile_for_rtcp(&policy->v2.rtcp, profile);
}

/* One key without a master key identifier: all that WebRTC has. */
inline srtp_err_status_t srtp_policy_add_key(
  srtp_policy_t policy,
  const uint8_t* key,
  size_t keyLen,
  const uint8_t* salt,
  size_t saltLen,
  const uint8_t* /*mki*/,
  size_t mkiLen)
{
	if (mkiLen != 0 || policy->v2.key)
	{
		return srtp_err_status_no_such_op;
	}

	if (keyLen > sizeof(policy->key) || saltLen > sizeof(policy->key) - keyLen)
	{
		return srtp_err_status_bad_param;
	}

	std::memcpy(policy->key, key, keyLen);
	std::memcpy(policy->key + keyLen, salt, saltLen);
	policy->v2.key = policy->key;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp_policy_t policy, bool allow)
{
	policy->v2.allow_repeat_tx = allow ? 1 : 0;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_window_size(srtp_policy_t policy, size_t packets)
{
	policy->v2.window_size = packets;

	return srtp_err_status_ok;
}

/* Version 2 copies what it needs out of the policy, so the caller may destroy it afterwards. */
inline srtp_err_status_t srtp_create(srtp_t* session, srtp_policy_t policy)
{
	return srtp_create(session, static_cast<const srtp2_policy_t*>(&policy->v2));
}

/* Takes the SSRC in network byte order, in both versions. */
inline srtp_err_status_t srtp_stream_remove(srtp_t session, uint32_t ssrc)
{
	return srtp_remove_stream(session, ssrc);
}

inline srtp_err_status_t srtp_protect(
  srtp_t ctx, const uint8_t* rtp, size_t rtpLen, uint8_t* srtp, size_t* srtpLen, size_t /*mkiIndex*/)
{
	return sluice_srtp::Run(
	  rtp, rtpLen, srtp, srtpLen, SRTP_MAX_TRAILER_LEN, [ctx](void* packet, int* len) {
		  return ::srtp_protect(ctx, packet, len);
	  });
}

/* SRTCP adds four bytes of its own, the packet index, before the trailer. */
inline srtp_err_status_t srtp_protect_rtcp(
  srtp_t ctx, const uint8_t* rtcp, size_t rtcpLen, uint8_t* srtcp, size_t* srtcpLen, size_t /*mkiIndex*/)
{
	return sluice_srtp::Run(
	  rtcp, rtcpLen, srtcp, srtcpLen, SRTP_MAX_TRAILER_LEN + sizeof(uint32_t), [ctx](void* packet, int* len) {
		  return ::srtp_protect_rtcp(ctx, packet, len);
	  });
}

inline srtp_err_status_t srtp_unprotect(
  srtp_t ctx, const uint8_t* srtp, size_t srtpLen, uint8_t* rtp, size_t* rtpLen)
{
	return sluice_srtp::Run(srtp, srtpLen, rtp, rtpLen, 0, [ctx](void* packet, int* len) {
		return ::srtp_unprotect(ctx, packet, len);
	});
}

inline srtp_err_status_t srtp_unprotect_rtcp(
  srtp_t ctx, const uint8_t* srtcp, size_t srtcpLen, uint8_t* rtcp, size_t* rtcpLen)
{
	return sluice_srtp::Run(srtcp, srtcpLen, rtcp, rtcpLen, 0, [ctx](void* packet, int* len) {
		return ::srtp_unprotect_rtcp(ctx, packet, len);
	});
}

#endif
