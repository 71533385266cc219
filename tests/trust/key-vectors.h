/*
 * Keys, and their signatures over KEY_MESSAGE, made by python3-cryptography 38.
 */
#pragma once

#define KEY_MESSAGE "what was signed"

#define ED25519_PUBLIC "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"

#define ED25519_SIG                                                                            \
	"479a455e41d4abb31d788ba554b97ca205e544e6d9a38b0ddd36854d02773d888de5b75235469e895e8a" \
	"accd319f0f9263816eb8904287e96ae402f66cb8f90e"

#define P256_PEM                                                                               \
	"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERxw+dYxJBChbun5TEY7Q" \
	"9SSt6wdX\n0lvS+Oew1236cUzdUg96yoqLkXrMN/Ud6PDJu+OthYOC5wLcJaEtCfeoWA==\n-----END PUB" \
	"LIC KEY-----\n"

#define P256_POINT                                                                             \
	"04471c3e758c4904285bba7e53118ed0f524adeb0757d25bd2f8e7b0d76dfa714cdd520f7aca8a8b917a" \
	"cc37f51de8f0c9bbe3ad858382e702dc25a12d09f7a858"

#define P256_COMPRESSED_PEM                                                                    \
	"-----BEGIN PUBLIC KEY-----\nMDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACRxw+dYxJBChbun5TEY7Q" \
	"9SSt6wdX0lvS+Oew1236cUw=\n-----END PUBLIC KEY-----\n"

#define P256_SIG                                                                               \
	"3045022100c7cc7f953ceb01524cbdf548976a9572c6fc2968d49564b571d266e29c44c77702202445bc" \
	"da7fb09717224c38eacc6eb326a3cdc2b47f44e64f0fe6becb734c8552"

#define P384_PEM                                                                               \
	"-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEx4fTfAXCwZmhLH6FuqI1SqrY" \
	"MmDAihVt\nzmEbPN/OFwdvKPxmPIpfdLgukQWV4ta1yMws2B9x3BMTTVXxriCo1w7lKt07mrA4\nfpbvssz6" \
	"5tprgRKJkLGhQsK/wmEZgBdm\n-----END PUBLIC KEY-----\n"

#define RSA_PEM                                                                                \
	"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofDL7hfybmzq" \
	"ZVcZexis\nAnNzCDltWDDTmcOm1TeZY8vd0ET9KMssA9UeI0/jjBEXQKpJueSF6fm4rIBXsbgj\ndwuK/lVj" \
	"iwQ8qSIb6IvvSBwnvn6LPa83nJPcEH7m8Xf1EbQYzCM9UWQnreHdD6EM\nOHiXkJQ+NVcyMP1lh7ju00NiqP" \
	"TcpuxPIaeivf9qmUmSEVm98HCzx69Wknwvcjff\n8Ia3n4nG0OOSWpu9zoN/Q7tUkM99XMGvqECtCqCNUuJs" \
	"9oWi1X6EA0LMfN4l3hEL\n3nl3Yp4kTsXn7aVhs+Q6Lp65unmbDaurLlVg/UvM9iEHX9YPMdPeJQ1DS/q67g" \
	"1v\nrwIDAQAB\n-----END PUBLIC KEY-----\n"

#define RSA_PKCS1_PEM                                                                          \
	"-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEAofDL7hfybmzqZVcZexisAnNzCDltWDDTmcOm1TeZ" \
	"Y8vd0ET9KMss\nA9UeI0/jjBEXQKpJueSF6fm4rIBXsbgjdwuK/lVjiwQ8qSIb6IvvSBwnvn6LPa83\nnJPc" \
	"EH7m8Xf1EbQYzCM9UWQnreHdD6EMOHiXkJQ+NVcyMP1lh7ju00NiqPTcpuxP\nIaeivf9qmUmSEVm98HCzx6" \
	"9Wknwvcjff8Ia3n4nG0OOSWpu9zoN/Q7tUkM99XMGv\nqECtCqCNUuJs9oWi1X6EA0LMfN4l3hEL3nl3Yp4k" \
	"TsXn7aVhs+Q6Lp65unmbDaur\nLlVg/UvM9iEHX9YPMdPeJQ1DS/q67g1vrwIDAQAB\n-----END RSA PUB" \
	"LIC KEY-----\n"

#define RSA_SIG_LONGEST_SALT                                                                   \
	"898aced137edd3fd29a8c4682a05098eaf3c1f77b281ec0a56b4e54873311f2c57cd2d7b712b5472cf9b" \
	"614c23cc800afc1e07aa6947320bb85b293325dce8c69bbfbbbb6d41ec9fcb0f72fb9b5daee9e9d19226" \
	"9393cd2004152cd791f2bbc18ce05b0879763b26a55abb01e7873dd5a9795fe16987b7ea83de97e3d9c9" \
	"c5cc644437510fcdc96e859060a13fd21637f94420cbc70064022be94980adea7c228e4b61f280b5dd69" \
	"1cf8cf2ade7d1ae9caa15b5593508c7f4cdb80bd05dbb3896dc95215bb48e477bbe21d539bcffcf20140" \
	"89dfe75e79824f89734bced42d0d0a3cd1fea27905434b4276d3982f21b054ca830ecb7f6e000c7a53b5" \
	"0fdfe943"

#define RSA_SIG_DIGEST_SALT                                                                    \
	"9c1657137aea1b16943dc7f03480a0f657a9d7bbdc922666b3d5d44ad59372623d8c1e6c13d1bf35fcc1" \
	"1715a3b50b1a5bb16415cde1b9df149f1c4be4062406d801e9e645271124b7622770d5a391f79a03f19d" \
	"c8c91ac7fab7420a0d91c99ed5b1e627d3e237b1cd6f415a58c57f03fdde0b8933351cceb0ac04511f4f" \
	"5f30158370a87c9e02ca351b31d2433b827b915d09bcb4c0489a0e850dae60c51f41c5af5fd923c3bb0a" \
	"56a2d5b8ec387857890dad4284c87031204d595ffa17f1f011c93b14903905246be9c35e10d3662084bc" \
	"2f4aee2f8450f941d8dcb1134b71e691bcaef7d443a0d1677712e4d44cce07db533c4706f69e596a679d" \
	"514efc1b"

#define RSA_SIG_NO_SALT                                                                        \
	"10d520c381385f1cafa929dba4c0b995d677707a79822d75008de24015ac6c5d40fa4aa6d052e0dbd19b" \
	"8ca148ce911aba1300ca5cc0d1e2a4cc5e5c17d8480c9f6f3830fc24a5e41c5e6d26a33518b0cf0cc74d" \
	"d67b1ece64457c52556da232d1ad06731689c11a056bf16aedeff82ab451dd68612805eb54b420256f62" \
	"605eaceaa8bce2296e7069509961365240f7afe5112b58ddc8f2746ff02e83b62f6588ebdbe63ac1e5eb" \
	"20e8ac707839e7518b61157bb8366e9454c6a2a0e03af33fd877614045d67e51ad190c48b1e67b48c7d9" \
	"8af8bc55fcb947ff0a61953dae0bd496719a5eded5a91a870ca5b57fae6089cdfc1aa5949bd5e85c7baf" \
	"a8b8aff7"

#define RSA_SIG_PKCS1                                                                          \
	"4b70e2eb852034f9cb1560903bba9fec79ea586c5a75503843b8401975a4045aa03bfb88fa58f4c91f7d" \
	"a792f6e04614e8a87928fa655f7a2f87cb92debe952c1f8377ff1917aa433fd9a5a5ba981532226e1fbe" \
	"2280afa6f315394478c2a82ad0ed86dd76bdffdd584dfb4573934acd20dc1298745750cdbebf8d092568" \
	"bc058cd19f01b3802d5d9f5e82ee148fb2e96de20de5e20af85b3e51741eb6f15b34cfad4299e0bf0d32" \
	"d55c5dcd6fabbe4dc5bf90239f85b76cc6950bb48e1f70e07f4a23ac32109010342fdc161293d0e45746" \
	"547902e81dd04683c9dfb1fb9310964b2a35d493fe7406683c4a84ee6d5ae326da9d5dbcebc3ecc5b9be" \
	"c2a9770d"

#define RSA_SIG_SHA512                                                                         \
	"932694fddbc051a594b2e89fecb80eb2142b22724286739f54e27b0ccd97890551530e7d9bd79d717a3d" \
	"d72ef13eff924223b23bbd3f26de6d97de04afd76aeae7217cb9638a5f7744e6ee6b284c844cc3bebf45" \
	"a6f768320b1f7c6ce0117dbeb973b9281093a842b8cf7ece10705e926d5724933ab995147e2f8a714d57" \
	"7cbf9f5ce68e434e1f633cca6d1b18d65efa7f527137918b2a8ae22c71f99b85c5dc9caaa04bd743c191" \
	"5151e7f1b74d31ef2e186fb5437312168d19a43588133937ef20291758e088afc4df71f0ad2ea0b307ab" \
	"6017b43d758889e562f462651c5777f6a3f275f570402a754b94be2b82f6bafdcc050a443b97bfd9a73b" \
	"60b27e31"

#define RSA_SIG_OTHER_MGF                                                                      \
	"8acbf8a05ce115c9635187b916f37aa69173517028415e1a91af59e59416478b49cce417c87ee4d83420" \
	"cba6917fe2efc0fbe96851bfea89d7bdfd7c51d0122ef2676269107d096fcbee9726e378c5afc8767b28" \
	"5ad5bb5006aa91121117897fc3a597c49bf09a97284f67fa965c3918c21d61bc9929b3b908ff2df056a4" \
	"71449fc28351e92a242e4de859e73f2a4a78006a84781d472d06fd4ad02de295f129513232ce72afb999" \
	"60faa35657cc5d1c706eb4705eda7653038297fef3827df5528b6e946239ae99ea34592cf8eb74949923" \
	"9038bcdabf378c9e71a66d6804addac0c65bfbf9733996fb67809e53760459e034662940b2e8ab892ec8" \
	"4c178ea4"

#define RSA_1024_PEM                                                                           \
	"-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC2Uu3WkgtWImm/5fLm" \
	"qlUcqwEn\nKDfnWJsUYjACnOmxrg42QK5y78GFF1DRgZca8gq6l9pxitecqKglXna0r2/69OSt\nD7iM7uZB" \
	"Tl+RffTUDhDXxEVFt7iDLc2weLhkfL2EGCTkDG3jiCiBIZZgcn2GJrVw\nNAs4eo8TDQKX7VPkiwIDAQAB\n" \
	"-----END PUBLIC KEY-----\n"
